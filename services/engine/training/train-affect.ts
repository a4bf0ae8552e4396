import type { Calibration } from "../domain/models/calibration.js";
import { probabilityOf } from "../domain/models/calibration.js";
import {
  type AffectHead,
  affectHeads,
  affectScales,
  type ClauseHead,
  clauseHeads,
  emotionLabels,
  ethicsHeads,
} from "../domain/models/heads.js";
import { type Lexicon, lexiconFeatures } from "../domain/models/lexicon.js";
import type { AffectEntry } from "../domain/models/manifest.js";
import { readDeontology, readJustice, readUtility, rowsOf, splitOfGroup } from "./ethics.js";
import { bayesSquares, frequencySquares } from "./feature-scaling.js";
import { type Feeling, ratingOf, readFeelings, readRatings } from "./feelings.js";
import { fitPlatt } from "./platt.js";
import { quantise } from "./quantise.js";
import { emotionRecipe, ethicsRecipes, numberSquare, scaleRecipes } from "./recipes.js";
import type { Rows } from "./rows.js";
import { createSpace, type Solution, solve, weightCount } from "./solver.js";

/** A trained head before rounding. */
interface TrainedHead extends Calibration {
  readonly name: AffectHead;
  readonly solution: Solution;
  readonly numbers: readonly number[];
  /** Weights of pairs of words, for heads that read them. */
  readonly pairs?: Float32Array;
  readonly threshold?: number;
}

/** The heads of feeling and ethics with their weights. */
export interface TrainedAffect {
  readonly entries: AffectEntry[];
  readonly weights: Int8Array;
  readonly clauses: { name: ClauseHead; scale: number }[];
  readonly clauseWeights: Int8Array;
}

const bits = 15;

/** Trains and calibrates every head of feeling and ethics. */
export function trainAffect(folder: string, lexicon: Lexicon, report: (line: string) => void): TrainedAffect {
  const heads = [
    ...trainEmotions(folder, lexicon, report),
    ...trainScales(folder, lexicon),
    ...trainEthics(folder, lexicon),
  ];
  const sorted = affectHeads.map((name) => heads.find((head) => head.name === name) as TrainedHead);
  const { weights, scales } = quantise(
    sorted.map(({ solution }) => solution.weights),
    2 << bits,
  );
  const entries = sorted.map(
    ({ name, solution, slope, offset, numbers, threshold }, at): AffectEntry => ({
      name,
      scale: scales[at] as number,
      bias: solution.bias,
      slope,
      offset,
      numbers,
      ...(threshold === undefined ? {} : { threshold }),
    }),
  );
  const pairs = quantise(
    clauseHeads.map((name) => heads.find((head) => head.name === name)?.pairs ?? new Float32Array(1 << bits)),
    1 << bits,
  );
  const clauses = clauseHeads.map((name, at) => ({ name, scale: pairs.scales[at] as number }));
  return { entries, weights, clauses, clauseWeights: pairs.weights };
}

function trainEmotions(folder: string, lexicon: Lexicon, report: (line: string) => void): TrainedHead[] {
  const feelings = readFeelings(folder).filter(({ split }) => split !== "test");
  const rows = withoutPairs(
    rowsOf(
      feelings.map(({ text }) => text),
      lexicon,
    ),
  );
  const of = (split: Feeling["split"]) =>
    Int32Array.from(feelings.flatMap((feeling, at) => (feeling.split === split ? [at] : [])));
  const train = of("train");
  const calibrate = [...of("calibrate")];
  return emotionLabels.map((name, label) => {
    const has = (at: number) => feelings[at]?.labels.includes(label) ?? false;
    const targets = Float64Array.from(train, (at) => (has(at) ? 1 : -1));
    const solution = trainEmotion(rows, train, targets);
    const score = scorer(rows, solution);
    const calibration = fitPlatt(
      calibrate.map(score),
      calibrate.map((at) => Number(has(at))),
    );
    const threshold = bestThreshold(
      calibrate.map((at) => probabilityOf(score(at), calibration)),
      calibrate.map(has),
    );
    report(`trained ${name}`);
    return { name, solution, ...calibration, numbers: numbersOf(rows, solution), threshold };
  });
}

function trainEmotion(rows: Rows, chosen: Int32Array, targets: Float64Array): Solution {
  const { cost, balance, epochs, seed, smoothing } = emotionRecipe;
  const positive = targets.reduce((sum, target) => sum + Number(target > 0), 0);
  const ratio = ((targets.length - positive) / positive) ** balance;
  const squares = extended(rows, bayesSquares(rows, chosen, targets, bits, smoothing), 0, 1);
  const costs = targets.map((target) => cost * (target > 0 ? ratio : 1));
  return solve({ rows, bits, chosen, targets, costs, squares, kind: "classify", epochs, seed });
}

function trainScales(folder: string, lexicon: Lexicon): TrainedHead[] {
  const ratings = readRatings(folder).filter(({ split }) => split === "train");
  const feelings = readFeelings(folder).filter(({ split }) => split === "train");
  const rows = withoutPairs(
    rowsOf(
      [...ratings, ...feelings].map(({ text }) => text),
      lexicon,
    ),
  );
  const known = [...ratings, ...feelings.map(ratingOf)];
  const chosen = Int32Array.from(known, (_, at) => at);
  return affectScales.map((name) => {
    const { cost, epochs, seed, reddit, numberSquare: square } = scaleRecipes[name];
    const solution = solve({
      rows,
      bits,
      chosen,
      targets: Float64Array.from(known, (rating) => rating[name]),
      costs: Float64Array.from(known, (_, at) => cost * (at < ratings.length ? 1 : reddit)),
      squares: extended(rows, frequencySquares(rows, chosen, bits), 0, square),
      kind: "regress",
      epochs,
      seed,
    });
    return { name, solution, slope: 1, offset: 0, numbers: numbersOf(rows, solution) };
  });
}

function trainEthics(folder: string, lexicon: Lexicon): TrainedHead[] {
  const judged = [
    { name: "deontology" as const, items: readDeontology(folder) },
    { name: "justice" as const, items: readJustice(folder) },
  ].map(({ name, items }): TrainedHead => {
    const rows = rowsOf(
      items.map(({ text }) => text),
      lexicon,
    );
    const of = (split: string) =>
      items.flatMap((item, at) => (splitOfGroup(item.group) === split ? [at] : []));
    const chosen = Int32Array.from(of("train"));
    const { cost, epochs, seed } = ethicsRecipes[name];
    const solution = solve({
      rows,
      bits,
      chosen,
      targets: Float64Array.from(chosen, (at) => items[at]?.label ?? 1),
      costs: new Float64Array(chosen.length).fill(cost),
      squares: extended(rows, frequencySquares(rows, chosen, bits), 1, numberSquare),
      kind: "classify",
      epochs,
      seed,
    });
    const calibrate = of("calibrate");
    const calibration = fitPlatt(
      calibrate.map(scorer(rows, solution)),
      calibrate.map((at) => Number(items[at]?.label === 1)),
    );
    const start = 2 << bits;
    return {
      name,
      solution,
      ...calibration,
      numbers: numbersOf(rows, solution),
      pairs: solution.weights.slice(start, start + (1 << bits)),
    };
  });
  return [...judged, trainUtility(folder, lexicon)];
}

function trainUtility(folder: string, lexicon: Lexicon): TrainedHead {
  const pairs = readUtility(folder);
  const rows = withoutPairs(
    rowsOf(
      pairs.flatMap(({ better, worse }) => [better, worse]),
      lexicon,
    ),
  );
  const of = (split: string) => pairs.flatMap((pair, at) => (splitOfGroup(pair.group) === split ? [at] : []));
  const train = of("train");
  const chosen = Int32Array.from(train, (at) => 2 * at);
  const rivals = Int32Array.from(train, (at) => 2 * at + 1);
  const { cost, epochs, seed } = ethicsRecipes.utility;
  const solution = solve({
    rows,
    bits,
    chosen,
    rivals,
    targets: new Float64Array(chosen.length).fill(1),
    costs: new Float64Array(chosen.length).fill(cost),
    squares: extended(
      rows,
      frequencySquares(rows, Int32Array.from([...chosen, ...rivals]), bits),
      0,
      numberSquare,
    ),
    kind: "rank",
    epochs,
    seed,
  });
  const score = scorer(rows, solution);
  const calibrate = of("calibrate").flatMap((at) => [2 * at, 2 * at + 1]);
  const calibration = fitPlatt(
    calibrate.map(score),
    calibrate.map((at) => Number(at % 2 === 0)),
  );
  return { name: ethicsHeads[2], solution, ...calibration, numbers: numbersOf(rows, solution) };
}

/** Squares for all weights of rows: those of buckets, then of pairs by frequency, then of numbers. */
function extended(rows: Rows, squares: Float32Array, pairSquare: number, square: number): Float32Array {
  const all = new Float32Array(weightCount(rows, bits)).fill(square);
  all.set(squares);
  const { pairs } = rows;
  if (!pairs) return all;
  const frequency = new Float64Array(1 << pairs.bits);
  for (const bucket of pairs.buckets) frequency[bucket] = (frequency[bucket] as number) + 1;
  frequency.forEach((seen, bucket) => {
    const weight = Math.log((1 + rows.count) / (1 + seen)) + 1;
    all[(2 << bits) + bucket] = pairSquare * weight * weight;
  });
  return all;
}

function scorer(rows: Rows, { weights, bias }: Solution): (row: number) => number {
  const space = createSpace({ rows, bits, squares: weights });
  space.weights.set(weights);
  return (row) => space.dot(row) + bias;
}

function numbersOf(rows: Rows, { weights }: Solution): number[] {
  return [...weights.subarray(weightCount(rows, bits) - lexiconFeatures.length)];
}

function withoutPairs({ pairs: _, ...rows }: Rows): Rows {
  return rows;
}

/** The probability from which saying yes gives the highest F1. */
function bestThreshold(probabilities: readonly number[], labels: readonly boolean[]): number {
  const ranked = probabilities
    .map((probability, at) => ({ probability, yes: labels[at] }))
    .sort((a, b) => b.probability - a.probability);
  const positive = labels.filter(Boolean).length;
  let hits = 0;
  let best = { f1: 0, probability: 0.5 };
  ranked.forEach(({ probability, yes }, at) => {
    hits += Number(yes);
    const f1 = (2 * hits) / (at + 1 + positive);
    if (f1 > best.f1) best = { f1, probability };
  });
  return best.probability;
}
