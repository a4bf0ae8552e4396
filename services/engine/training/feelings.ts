import { join } from "node:path";
import { hashText } from "../domain/models/hash.js";
import { csvRecords, readText } from "./csv.js";
import type { Split } from "./dataset.js";

/** A text with the numbers of its GoEmotions labels. */
export interface Feeling {
  readonly text: string;
  readonly labels: readonly number[];
  readonly split: Split;
}

/** A text with valence and arousal, each -1..1. */
export interface Rating {
  readonly text: string;
  readonly valence: number;
  readonly arousal: number;
  readonly split: "train" | "test";
}

/** GoEmotions: its dev split for testing, a tenth of train for calibration. */
export function readFeelings(folder: string): Feeling[] {
  const read = (file: string, splitOf: (id: string) => Split): Feeling[] =>
    readText(join(folder, "emotion", file))
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => {
        const [text = "", ids = "", id = ""] = line.split("\t");
        return { text, labels: ids.split(",").map(Number), split: splitOf(id) };
      });
  return [
    ...read("goemotions_train.tsv.gz", (id) => (hashText(id) % 10 === 0 ? "calibrate" : "train")),
    ...read("goemotions_dev.tsv.gz", () => "test"),
  ];
}

/** EmoBank: its dev split for testing. */
export function readRatings(folder: string): Rating[] {
  return csvRecords(readText(join(folder, "emotion/emobank.csv"))).map((row) => ({
    text: row.text ?? "",
    valence: (Number(row.V) - 3) / 2,
    arousal: (Number(row.A) - 3) / 2,
    split: row.split === "dev" ? "test" : "train",
  }));
}

const pleasant = new Set([0, 1, 4, 5, 8, 13, 15, 17, 18, 20, 21, 23]);
const unpleasant = new Set([2, 3, 9, 10, 11, 12, 14, 16, 19, 24, 25]);
const excited = new Set([2, 8, 13, 14, 17, 19, 26]);
const calm = new Set([16, 22, 23, 25, 27]);

/** What labels say of valence and arousal, -1..1. */
export function ratingOf({ labels }: Feeling): { valence: number; arousal: number } {
  const mean = (up: ReadonlySet<number>, down: ReadonlySet<number>) =>
    labels.reduce((sum, label) => sum + Number(up.has(label)) - Number(down.has(label)), 0) / labels.length;
  return { valence: 0.5 * mean(pleasant, unpleasant), arousal: 0.2 * mean(excited, calm) };
}
