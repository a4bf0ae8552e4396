import { join } from "node:path";
import { csvRecords, jsonLines, parseCsv, readText } from "../csv.js";
import type { Example, Source } from "../example.js";
import { allBut, harmless } from "./labels.js";
import { sample } from "./sample.js";

interface Task {
  readonly instruction: string;
  readonly instances: readonly { readonly input: string }[];
}

/** A harmless prompt that, in a document, would be an instruction to the agent. */
const instruction = { ...harmless, instruction_in_data: 1 } as const;

/** Prompts that people write and that are harmless. */
function prompts(texts: readonly string[], weight = 1, labels: Example["labels"] = harmless): Example[] {
  return texts.map((text, at) => ({ text, group: String(at), labels, weight }));
}

const tasks =
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

const turns =
  (file: string) =>
  (folder: string): Example[] =>
    prompts(
      jsonLines<{ turns: string[] }>(readText(join(folder, "benign", file))).flatMap((row) => row.turns),
      2,
      instruction,
    );

const notInject =
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

function readRoleplay(folder: string): Example[] {
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

function readSquad(folder: string): Example[] {
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

function readEthics(folder: string): Example[] {
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

function readEmobank(folder: string): Example[] {
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

function readGoEmotions(folder: string): Example[] {
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

function readPresidio(folder: string): Example[] {
  const rows = JSON.parse(readText(join(folder, "pii/presidio_synth_dataset_v2.json"))) as Synthetic[];
  return rows.map((row) => ({
    text: row.full_text,
    group: String(row.template_id),
    labels: allBut([]),
    weight: 0.5,
  }));
}

/** Harmless texts of many kinds. */
export const benignSources: readonly Source[] = [
  {
    name: "self-instruct seed tasks",
    origin: "yizhongw/self-instruct via tatsu-lab/stanford_alpaca",
    licence: "Apache-2.0",
    family: "b1",
    read: tasks("self_instruct_seed_tasks.jsonl"),
  },
  {
    name: "user-oriented instructions",
    origin: "yizhongw/self-instruct",
    licence: "Apache-2.0",
    family: "b1",
    read: tasks("user_oriented_instructions.jsonl"),
  },
  {
    name: "MT-bench questions",
    origin: "lm-sys/FastChat",
    licence: "Apache-2.0",
    family: "b1",
    read: turns("mt_bench_questions.jsonl"),
  },
  {
    name: "Vicuna questions",
    origin: "lm-sys/FastChat",
    licence: "Apache-2.0",
    family: "b1",
    read: turns("vicuna_questions.jsonl"),
  },
  {
    name: "GPTeacher role play",
    origin: "teknium GPTeacher via gururise/AlpacaDataCleaned",
    licence: "MIT (upstream, to be verified)",
    family: "b2",
    read: readRoleplay,
  },
  {
    name: "NotInject one",
    origin: "leolee99/PIGuard",
    licence: "MIT",
    family: "b3",
    read: notInject("NotInject_one.json"),
  },
  {
    name: "NotInject two",
    origin: "leolee99/PIGuard",
    licence: "MIT",
    family: "b3",
    read: notInject("NotInject_two.json"),
  },
  {
    name: "GSM8K",
    origin: "openai/grade-school-math",
    licence: "MIT",
    family: "b3",
    read: (folder) =>
      prompts(
        jsonLines<{ question: string }>(readText(join(folder, "benign/gsm8k_test.jsonl"))).map(
          (row) => row.question,
        ),
      ),
  },
  {
    name: "NQ open",
    origin: "google-research-datasets/natural-questions",
    licence: "CC BY-SA 3.0",
    family: "b4",
    read: (folder) =>
      prompts(
        jsonLines<{ question: string }>(readText(join(folder, "benign/nq_open_dev.jsonl"))).map(
          (row) => row.question,
        ),
      ),
  },
  {
    name: "SQuAD 2.0",
    origin: "rajpurkar/SQuAD-explorer via chrischute/squad",
    licence: "CC BY-SA 4.0",
    family: "b5",
    read: readSquad,
  },
  { name: "ETHICS", origin: "hendrycks/ethics", licence: "MIT", family: "b4", read: readEthics },
  { name: "EmoBank", origin: "JULIELab/EmoBank", licence: "CC BY-SA 4.0", family: "b5", read: readEmobank },
  {
    name: "GoEmotions",
    origin: "google-research/goemotions",
    licence: "CC BY 4.0",
    family: "b2",
    read: readGoEmotions,
  },
  {
    name: "Presidio synthetic",
    origin: "microsoft/presidio-research",
    licence: "MIT",
    family: "b1",
    read: readPresidio,
  },
];
