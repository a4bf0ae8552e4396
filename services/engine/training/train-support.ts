import type { SupportEntry } from "../domain/models/manifest.js";
import { type SupportMode, supportModes } from "../domain/models/support-mode.js";
import { fitLogistic, type LogisticModel, logisticScore } from "./logistic.js";
import { fitPlatt } from "./platt.js";
import type { SupportExample } from "./support-examples.js";

const penalty = 3;
/** The share of answers that may be wrong among those that are not withheld, right and wrong ones being as many. */
const permittedRisk = 0.35;

/** An example with the probability of a model that saw nothing of its article. */
export interface ForeignSupport {
  readonly example: SupportExample;
  readonly probability: number;
}

/** The models of support by mode, and how they did on articles that they did not see. */
export interface TrainedSupport {
  readonly entries: Readonly<Record<SupportMode, SupportEntry>>;
  readonly foreign: readonly ForeignSupport[];
}

/** Trains a model for each mode on all articles, and measures on articles left out. */
export function trainSupport(examples: readonly SupportExample[]): TrainedSupport {
  const foreign: ForeignSupport[] = [];
  const entries = supportModes.map((mode) => {
    const own = examples.filter((example) => example.mode === mode);
    const scored = leaveOut(own);
    const calibration = fitPlatt(
      scored.map(({ score }) => score),
      own.map(({ label }) => label),
      weightsOf(own),
    );
    const judged = own.map((example, at) => ({
      example,
      probability: sigmoid(calibration.slope * (scored[at]?.score ?? 0) + calibration.offset),
    }));
    foreign.push(...judged);
    return [mode, { ...fitSupport(own), ...calibration, abstainBelow: abstention(judged) }] as const;
  });
  return { entries: Object.fromEntries(entries) as TrainedSupport["entries"], foreign };
}

/** How much each example counts, so that right and wrong passages weigh the same in sum. */
export function weightsOf(examples: readonly SupportExample[]): number[] {
  const sum = (label: 0 | 1) =>
    examples.reduce((total, one) => total + (one.label === label ? one.weight : 0), 0);
  const ratio = sum(0) / Math.max(1, sum(1));
  return examples.map(({ label, weight }) => (label === 1 ? weight * ratio : weight));
}

function leaveOut(examples: readonly SupportExample[]): { score: number }[] {
  const articles = [...new Set(examples.map(({ article }) => article))];
  const models = new Map(
    articles.map((left) => [left, fitSupport(examples.filter(({ article }) => article !== left))]),
  );
  return examples.map(({ article, features }) => ({
    score: logisticScore(models.get(article) as LogisticModel, features),
  }));
}

function fitSupport(examples: readonly SupportExample[]): LogisticModel {
  return fitLogistic(
    examples.map(({ features }) => features),
    examples.map(({ label }) => label),
    penalty,
    weightsOf(examples),
  );
}

/** The lowest probability from which on at most the permitted share is wrong: a point of the risk-coverage curve. */
function abstention(judged: readonly ForeignSupport[]): number {
  const weights = weightsOf(judged.map(({ example }) => example));
  const ranked = judged
    .map((one, at) => ({ ...one, weight: weights[at] as number }))
    .sort((a, b) => b.probability - a.probability);
  let wrong = 0;
  let total = 0;
  let threshold = 1;
  for (const { example, probability, weight } of ranked) {
    total += weight;
    if (example.label === 0) wrong += weight;
    if (wrong / total <= permittedRisk) threshold = probability;
  }
  return threshold;
}

function sigmoid(score: number): number {
  return 1 / (1 + Math.exp(-score));
}
