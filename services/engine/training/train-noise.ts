import { probabilityOf } from "../domain/models/calibration.js";
import { foldForFeatures } from "../domain/models/fold.js";
import type { NoiseEntry } from "../domain/models/manifest.js";
import {
  createSeenTable,
  createSurpriseReader,
  noteSeen,
  type SeenTable,
  type SurpriseReader,
} from "../domain/models/surprise.js";
import { foldCount, foldOf } from "./cross-fit.js";
import type { Dataset, Item } from "./dataset.js";
import { fitLogistic, type LogisticModel, logisticScore } from "./logistic.js";
import { codeSamples } from "./own/code-samples.js";
import { makeNoise } from "./own/noise.js";
import { fitPlatt } from "./platt.js";
import { type HarmlessScore, isOrdinary, type Strength, thresholdsOf } from "./thresholds.js";
import { atBaseRate } from "./train-safety.js";

const seed = 7;
const noiseCount = 1500;
/** Windows that one harmless text gives. */
const mostWindows = 3;
const penalty = 1;

/** The detector of optimised suffixes. */
export interface TrainedNoise {
  readonly entry: NoiseEntry;
  readonly seen: SeenTable;
}

/** A score of the strangest window, by a detector that saw nothing of the text's source. */
export type NoiseScorer = (text: string, fold: number) => number;

/**
 * Trains the detector on texts that are built to look like optimised suffixes,
 * beside ordinary texts read with a table that saw nothing of their source.
 */
export function trainNoise(dataset: Dataset): TrainedNoise & { readonly score: NoiseScorer } {
  const known = dataset.items.filter(({ split }) => split !== "test");
  const readers = Array.from({ length: foldCount }, (_, fold) =>
    createSurpriseReader(tableOf(known.filter((item) => foldOf(item) !== fold))),
  );
  const harmless = known.filter(isOrdinary);
  const model = fitDetector(harmless, readers);
  const score: NoiseScorer = (text, fold) => strangest(readers[fold] as SurpriseReader, model, text);
  const scored = harmless.map((item): HarmlessScore => ({ item, score: score(item.text, foldOf(item)) }));
  const noise = makeNoise(noiseCount, seed)
    .map((text, at) => score(text, at % foldCount))
    .filter(Number.isFinite);
  const finite = scored.filter((one) => Number.isFinite(one.score));
  const labels = [...finite.map(() => 0), ...noise.map(() => 1)];
  const calibration = fitPlatt([...finite.map((one) => one.score), ...noise], labels, atBaseRate(labels));
  const threshold = (strength: Strength) =>
    thresholdsOf(scored, strength).map((value) => probabilityOf(value, calibration));
  const entry = { ...model, ...calibration, warn: threshold("warn"), block: threshold("block") };
  return { entry, seen: tableOf(known), score };
}

function tableOf(items: readonly Item[]): SeenTable {
  const table = createSeenTable();
  for (const { text } of items) noteSeen(foldForFeatures(text), table);
  for (const text of codeSamples) noteSeen(foldForFeatures(text), table);
  return table;
}

function fitDetector(harmless: readonly Item[], readers: readonly SurpriseReader[]): LogisticModel {
  const rows: Float64Array[] = [];
  const labels: number[] = [];
  const add = (text: string, fold: number, label: 0 | 1, most: number): void => {
    let count = 0;
    readers[fold]?.(text, (features) => {
      if (count++ >= most) return;
      rows.push(features.slice());
      labels.push(label);
    });
  };
  for (const item of harmless) add(item.text, foldOf(item), 0, mostWindows);
  makeNoise(noiseCount, seed).forEach((text, at) => {
    add(text, at % foldCount, 1, Number.POSITIVE_INFINITY);
  });
  return fitLogistic(rows, labels, penalty);
}

function strangest(read: SurpriseReader, model: LogisticModel, text: string): number {
  let highest = Number.NEGATIVE_INFINITY;
  read(text, (features) => {
    highest = Math.max(highest, logisticScore(model, features));
  });
  return highest;
}
