import { join } from "node:path";
import type { SafetyHead } from "../../domain/models/heads.js";
import { csvRecords, readText } from "../csv.js";
import type { Example, Source } from "../example.js";
import { labelled } from "./labels.js";

const calm: readonly SafetyHead[] = ["jailbreak"];

/** Requests of a kind: harmful, and of further heads. */
function harmful(text: string, group: string, kinds: readonly SafetyHead[], weight = 1): Example {
  return { text, group, labels: labelled(["harmful_request", ...kinds], calm), weight };
}

function readAdvBench(folder: string): Example[] {
  const rows = csvRecords(readText(join(folder, "moderation/advbench_behaviors.csv")));
  return rows.map((row, at) => harmful(row.Behavior ?? "", String(at), []));
}

function readHarmBench(folder: string): Example[] {
  const rows = csvRecords(readText(join(folder, "moderation/harmbench_behaviors_text_all.csv")));
  return rows
    .filter((row) => row.FunctionalCategory !== "copyright")
    .map((row, at) => {
      const bullies = row.SemanticCategory === "harassment_bullying";
      const context = row.ContextString ? 0.5 : 1;
      return harmful(row.Behavior ?? "", String(at), bullies ? ["harassment"] : [], context);
    });
}

/** Heads that the hazards of AILuminate speak about, beside that of requests. */
const hazards: Readonly<Record<string, readonly SafetyHead[]>> = {
  cse: ["sexual"],
  sxc_prn: ["sexual"],
  hte: ["hate"],
  ssh: ["self_harm"],
};

function readAiluminate(folder: string): Example[] {
  const rows = csvRecords(readText(join(folder, "moderation/ailuminate_demo_en.csv")));
  return rows
    .filter((row) => !row.hazard?.startsWith("spc_"))
    .map((row, at) => harmful(row.prompt_text ?? "", String(at), hazards[row.hazard ?? ""] ?? [], 0.5));
}

const harmlessCategories = new Set(["Political Campaigning", "Tailored Financial Advice"]);

function catqaKinds(category: string, subcategory: string): SafetyHead[] {
  if (category === "Adult Content" || subcategory === "Content Sexual exploitation") return ["sexual"];
  if (subcategory === "Self-harm") return ["self_harm"];
  if (subcategory === "Racial or ethnic hate" || subcategory === "Religious intolerance") return ["hate"];
  return subcategory === "Cyberbullying" ? ["harassment"] : [];
}

function readCatqa(folder: string): Example[] {
  const categories = JSON.parse(readText(join(folder, "moderation/catqa_english.json"))) as Record<
    string,
    Record<string, string[]>
  >;
  return Object.entries(categories)
    .filter(([category]) => !harmlessCategories.has(category))
    .flatMap(([category, parts]) =>
      Object.entries(parts).flatMap(([part, questions]) =>
        questions.map((text, at) => harmful(text, `${part}/${at}`, catqaKinds(category, part))),
      ),
    );
}

function readHarmfulQa(folder: string): Example[] {
  const topics = JSON.parse(readText(join(folder, "moderation/harmfulqa.json"))) as Record<
    string,
    Record<string, string[]>
  >;
  return Object.values(topics).flatMap((parts, topic) =>
    Object.values(parts).flatMap((questions, part) =>
      questions.map((text, at) => harmful(text, `${topic}/${part}/${at}`, [], 0.3)),
    ),
  );
}

/** Requests for harm. */
export const harmSources: readonly Source[] = [
  {
    name: "AdvBench",
    origin: "llm-attacks/llm-attacks via busycalibrating/AdversariaLLM",
    licence: "MIT",
    family: "h1",
    read: readAdvBench,
  },
  {
    name: "HarmBench",
    origin: "centerforaisafety/HarmBench via busycalibrating/AdversariaLLM",
    licence: "MIT",
    family: "h1",
    read: readHarmBench,
  },
  {
    name: "AILuminate demo",
    origin: "mlcommons/ailuminate",
    licence: "CC BY 4.0",
    family: "h2",
    read: readAiluminate,
  },
  { name: "CatQA", origin: "declare-lab/red-instruct", licence: "Apache-2.0", family: "h3", read: readCatqa },
  {
    name: "HarmfulQA",
    origin: "declare-lab/red-instruct",
    licence: "Apache-2.0",
    family: "h3",
    read: readHarmfulQa,
  },
];
