import { probabilityOf } from "../domain/models/calibration.js";
import { type SafetyHead, safetyHeads } from "../domain/models/heads.js";
import { bandOf, type SafetyEntry } from "../domain/models/manifest.js";
import { crossFit, type ForeignScore } from "./cross-fit.js";
import type { Dataset } from "./dataset.js";
import { groupBy } from "./group-by.js";
import { thresholdAt } from "./metrics.js";
import { fitPlatt } from "./platt.js";
import { quantise } from "./quantise.js";
import { safetyRecipes } from "./recipes.js";
import { trainSafetyHead } from "./safety.js";
import { benignSources } from "./sources/benign.js";
import { sample } from "./sources/sample.js";

/** Ends of the length bands, in UTF-16 units. */
export const bands: readonly number[] = [200, 1000];

/** Shares of harmless texts of unseen sources above a threshold; two heads block requests, so each may take half of 0.1 %. */
const ordinaryShares = { warn: 0.01, block: 0.0005 } as const;
/** Shares of the harmless texts of any one unseen source. */
const sourceShares = { warn: 0.05, block: 0.01 } as const;
const fewestOfSource = 100;
/** Shares of harmless texts made to look like harm. */
const lookAlikeShares = { warn: 0.1, block: 0.02 } as const;
/** Fewer texts than this say too little about one in a thousand. */
const fewest = 1500;
const mostOfSource = 1500;

const ordinary = new Set(
  benignSources.map(({ name }) => name).filter((name) => !name.startsWith("NotInject")),
);
const lookAlike = new Set([
  "NotInject one",
  "NotInject two",
  "neuralchemy",
  "deepset prompt injections",
  "own grave topics",
  "own statements",
  "own attacks",
  "own embedded instructions",
  "BIPIA",
]);
/** Heads that may block by themselves; the others warn, since what they find is often quoted, told or meant well. */
const blocking: ReadonlySet<SafetyHead> = new Set(["harmful_request", "jailbreak", "instruction_in_data"]);

/** The heads about harm with their weights. */
export interface TrainedSafety {
  readonly entries: SafetyEntry[];
  readonly weights: Int8Array;
}

/** Trains, calibrates and sets the thresholds of every head about harm. */
export function trainSafety(dataset: Dataset, report: (line: string) => void): TrainedSafety {
  const trained = safetyHeads.map((head) => {
    const recipe = safetyRecipes[head];
    const foreign = crossFit(dataset, head, recipe);
    const solution = trainSafetyHead(dataset, head, (item) => item.split !== "test", recipe);
    report(`trained ${head}`);
    return { head, foreign, solution };
  });
  const bits = safetyRecipes.sexual.bits;
  const { weights, scales } = quantise(
    trained.map(({ solution }) => solution.weights),
    2 << bits,
  );
  const entries = trained.map(({ head, foreign, solution }, at): SafetyEntry => {
    const calibration = fitPlatt(
      foreign.map(({ score }) => score),
      foreign.map(({ item }) => (item.labels[head] === 1 ? 1 : 0)),
    );
    const threshold = (kind: "warn" | "block") =>
      thresholds(head, foreign, kind).map((score) => probabilityOf(score, calibration));
    return {
      name: head,
      scale: scales[at] as number,
      bias: solution.bias,
      ...calibration,
      warn: threshold("warn"),
      block: blocking.has(head) ? threshold("block") : [...bands, 0].map(() => 1),
    };
  });
  return { entries, weights };
}

/** For each length band, the score that few enough harmless texts of unseen sources exceed. */
function thresholds(head: SafetyHead, foreign: readonly ForeignScore[], kind: "warn" | "block"): number[] {
  const negative = foreign.filter(({ item }) => item.labels[head] === -1);
  const bySource = groupBy(
    negative.filter(({ item }) => ordinary.has(item.source)),
    ({ item }) => item.source,
  );
  const pool = [...bySource.values()].flatMap((scores) => sample(scores, mostOfSource));
  const alike = negative.filter(({ item }) => lookAlike.has(item.source)).map(({ score }) => score);
  const sources = [...bySource.values()].filter((scores) => scores.length >= fewestOfSource);
  const floor = Math.max(
    thresholdOver(
      pool.map(({ score }) => score),
      ordinaryShares[kind],
    ),
    thresholdOver(alike, lookAlikeShares[kind]),
    ...sources.map((scores) =>
      thresholdOver(
        scores.map(({ score }) => score),
        sourceShares[kind],
      ),
    ),
  );
  return [...bands, Number.POSITIVE_INFINITY].map((_, band) => {
    const scores = pool
      .filter(({ item }) => bandOf(bands, item.text.length) === band)
      .map(({ score }) => score);
    return scores.length < fewest ? floor : Math.max(floor, thresholdAt(scores, ordinaryShares[kind]));
  });
}

function thresholdOver(scores: readonly number[], share: number): number {
  return scores.length > 0 ? thresholdAt(scores, share) : Number.NEGATIVE_INFINITY;
}
