import { join } from "node:path";
import { jsonLines, readText } from "../csv.js";
import type { Source } from "../example.js";
import {
  notInject,
  prompts,
  readEmobank,
  readEthics,
  readGoEmotions,
  readPresidio,
  readRoleplay,
  readSquad,
  tasks,
  turns,
} from "./read-benign.js";

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
    licence: "MIT (as upstream states)",
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
