import { join } from "node:path";
import { csvRecords, jsonLines, parseCsv, readText } from "../csv.js";
import type { Example } from "../example.js";
import { allBut, harmless } from "./labels.js";
import { sample } from "./sample.js";

interface Task {
  readonly instruction: string;
  readonly instances: readonly { readonly input: string }[];
}

/** A harmless prompt that, in a document, would be an instruction to the agent. */
const instruction = { ...harmless, instruction_in_data: 1 } as const;

/** Prompts that people write and that are harmless. */
export function prompts(
  texts: readonly string[],
  weight = 1,
  labels: Example["labels"] = harmless,
): Example[] {
  return texts.map((text, at) => ({ text, group: String(at), labels, weight }));
}

export const tasks =
  (file: string) =>
  (folder: string): Example[] =>
    jsonLines<Task>(readText(join(folder, "benign", file))).flatMap(
      ({ instruction: given, instances }, at) => {
        const input = instances[0]?.input ?? "";
        const texts = input === "" ? [given] : [given, `${given}\n${input}`];
        return texts.map((text) => ({
          text,
          group: String(at),
          labels: text === given ? instruction : harmless,
          weight: 2,
        }));
      },
    );

export const turns =
  (file: string) =>
  (folder: string): Example[] =>
    prompts(
      jsonLines<{ turns: string[] }>(readText(join(folder, "benign", file))).flatMap((row) => row.turns),
      2,
      instruction,
    );

export const notInject =
  (file: string) =>
  (folder: string): Example[] =>
    prompts(
      (JSON.parse(readText(join(folder, "benign", file))) as { prompt: string }[]).map((row) => row.prompt),
      3,
    );

interface Roleplay {
  readonly instruction: string;
  readonly input: string;
  readonly output: string;
}

export function readRoleplay(folder: string): Example[] {
  const rows = JSON.parse(readText(join(folder, "benign/gpteacher_roleplay.json.gz"))) as Roleplay[];
  return rows.flatMap(({ instruction: given, input, output }, at) => [
    {
      text: input ? `${given}\n${input}` : given,
      group: String(at),
      labels: at % 4 === 0 ? instruction : harmless,
      part: "prompt",
    },
    ...(at % 3 === 0
      ? [{ text: output.slice(0, 2000), group: String(at), labels: harmless, weight: 0.5, part: "answer" }]
      : []),
  ]);
}

interface Squad {
  readonly data: readonly {
    readonly title: string;
    readonly paragraphs: readonly {
      readonly context: string;
      readonly qas: readonly { readonly question: string }[];
    }[];
  }[];
}

export function readSquad(folder: string): Example[] {
  const { data } = JSON.parse(readText(join(folder, "answerability/squad2_dev_half.json.gz"))) as Squad;
  return data.flatMap(({ title, paragraphs }) =>
    paragraphs.flatMap(({ context, qas }) => [
      { text: context, group: title, labels: allBut([]), part: "passage" },
      ...qas
        .slice(0, 2)
        .map(({ question }) => ({ text: question, group: title, labels: harmless, part: "question" })),
    ]),
  );
}

export function readEthics(folder: string): Example[] {
  const utility = parseCsv(readText(join(folder, "ethics/util_train.csv.gz"))).map(([better = ""]) => better);
  const justice = csvRecords(readText(join(folder, "ethics/justice_train.csv.gz"))).map(
    (row) => row.scenario ?? "",
  );
  const excuses = csvRecords(readText(join(folder, "ethics/deontology_train.csv.gz"))).map(
    (row) => `${row.scenario} ${row.excuse}`,
  );
  return [utility, justice, excuses].flatMap((texts, part) =>
    sample(texts, 2000).map((text, at) => ({
      text,
      group: `${part}/${at}`,
      labels: allBut(["sexual", "hate"]),
      weight: 0.5,
    })),
  );
}

export function readEmobank(folder: string): Example[] {
  const texts = csvRecords(readText(join(folder, "emotion/emobank.csv"))).map((row) => row.text ?? "");
  return sample(texts, 3000).map((text, at) => ({
    text,
    group: String(at),
    labels: allBut(["harassment"]),
    weight: 0.5,
  }));
}

/** Label ids of feelings that attacks on people do not carry: all but anger, annoyance, disapproval, disgust, embarrassment, grief, remorse, sadness. */
const calm = new Set([0, 1, 4, 5, 6, 7, 8, 13, 15, 17, 18, 20, 21, 22, 23, 26, 27]);

export function readGoEmotions(folder: string): Example[] {
  const rows = parseCsv(
    readText(join(folder, "emotion/goemotions_train.tsv.gz")).replaceAll('"', "''"),
    "\t",
  );
  const chosen = rows.filter(([, ids = ""]) => ids.split(",").every((id) => calm.has(Number(id))));
  return sample(chosen, 12_000).map(([text = ""], at) => ({
    text,
    group: String(at),
    labels: allBut(["sexual", "hate"]),
    weight: 0.5,
  }));
}

interface Synthetic {
  readonly full_text: string;
  readonly template_id: number;
}

export function readPresidio(folder: string): Example[] {
  const rows = JSON.parse(readText(join(folder, "pii/presidio_synth_dataset_v2.json"))) as Synthetic[];
  return rows.map((row) => ({
    text: row.full_text,
    group: String(row.template_id),
    labels: allBut([]),
    weight: 0.5,
  }));
}
