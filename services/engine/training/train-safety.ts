import { probabilityOf } from "../domain/models/calibration.js";
import { type SafetyHead, safetyHeads } from "../domain/models/heads.js";
import type { SafetyEntry } from "../domain/models/manifest.js";
import { crossFit, type ForeignScores } from "./cross-fit.js";
import type { Dataset } from "./dataset.js";
import { fitPlatt } from "./platt.js";
import { quantise } from "./quantise.js";
import { safetyRecipes } from "./recipes.js";
import { trainSafetyHead } from "./safety.js";
import { bands, mayBlock, type Strength, thresholdsOf } from "./thresholds.js";

/** The heads about harm with their weights. */
export interface TrainedSafety {
  readonly entries: SafetyEntry[];
  readonly weights: Int8Array;
}

/** Scores of every head by models that saw nothing of the source. */
export type ForeignScoresByHead = ReadonlyMap<SafetyHead, ForeignScores>;

/** Scores every item by models trained without its family of sources, for each head. */
export function crossFitAll(dataset: Dataset): ForeignScoresByHead {
  return new Map(safetyHeads.map((head) => [head, crossFit(dataset, head, safetyRecipes[head])]));
}

/** Trains, calibrates and sets the thresholds of every head about harm. */
export function trainSafety(
  dataset: Dataset,
  foreign: ForeignScoresByHead,
  report: (line: string) => void,
): TrainedSafety {
  const solutions = safetyHeads.map((head) => {
    const solution = trainSafetyHead(dataset, head, (item) => item.split !== "test", safetyRecipes[head]);
    report(`trained ${head}`);
    return solution;
  });
  const bits = safetyRecipes.sexual.bits;
  const { weights, scales } = quantise(
    solutions.map((solution) => solution.weights),
    2 << bits,
  );
  const entries = safetyHeads.map(
    (head, at): SafetyEntry => ({
      name: head,
      scale: scales[at] as number,
      bias: solutions[at]?.bias ?? 0,
      ...calibrate(head, foreign.get(head) ?? new Map()),
    }),
  );
  return { entries, weights };
}

function calibrate(head: SafetyHead, scores: ForeignScores) {
  const known = [...scores].filter(([item]) => item.labels[head] !== undefined);
  const labels = known.map(([item]) => Number(item.labels[head] === 1));
  const calibration = fitPlatt(
    known.map(([, score]) => score),
    labels,
    atBaseRate(labels),
  );
  const harmless = known
    .filter(([item]) => item.labels[head] === -1)
    .map(([item, score]) => ({ item, score }));
  const threshold = (strength: Strength) =>
    thresholdsOf(harmless, strength).map((score) => probabilityOf(score, calibration));
  return {
    ...calibration,
    warn: threshold("warn"),
    block: mayBlock(head) ? threshold("block") : [...bands, 0].map(() => 1),
  };
}

/** The share of texts of a head's kind that its probability assumes. */
const baseRate = 0.1;
/** A head with fewer texts of its kind assumes so many times their share, so that few texts do not speak for many. */
const mostWeight = 4;

/** Weights that make the labels 1 as frequent as the base rate. */
export function atBaseRate(labels: readonly number[]): number[] {
  const positive = labels.reduce((sum, label) => sum + label, 0);
  const even = (baseRate / (1 - baseRate)) * ((labels.length - positive) / Math.max(1, positive));
  const weight = Math.min(mostWeight, even);
  return labels.map((label) => (label === 1 ? weight : 1));
}
