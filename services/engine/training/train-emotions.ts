import { probabilityOf } from "../domain/models/calibration.js";
import { emotionLabels } from "../domain/models/heads.js";
import type { Lexicon } from "../domain/models/lexicon.js";
import { bestThreshold } from "./best-threshold.js";
import { rowsOf } from "./ethics.js";
import { bayesSquares } from "./feature-scaling.js";
import { type Feeling, readFeelings } from "./feelings.js";
import { fitPlatt } from "./platt.js";
import { emotionRecipe } from "./recipes.js";
import type { Rows } from "./rows.js";
import { type Solution, solve } from "./solver.js";
import { affectBits, extended, numbersOf, scorer, type TrainedHead, withoutPairs } from "./trained-head.js";

/** Trains and calibrates the 28 labels of GoEmotions. */
export function trainEmotions(
  folder: string,
  lexicon: Lexicon,
  report: (line: string) => void,
): TrainedHead[] {
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
      calibrate.map((at) => Number(has(at))),
    );
    report(`trained ${name}`);
    return { name, solution, ...calibration, numbers: numbersOf(rows, solution), threshold };
  });
}

function trainEmotion(rows: Rows, chosen: Int32Array, targets: Float64Array): Solution {
  const { cost, balance, epochs, seed, smoothing } = emotionRecipe;
  const positive = targets.reduce((sum, target) => sum + Number(target > 0), 0);
  const ratio = ((targets.length - positive) / positive) ** balance;
  const squares = extended(rows, bayesSquares(rows, chosen, targets, affectBits, smoothing), 0, 1);
  const costs = targets.map((target) => cost * (target > 0 ? ratio : 1));
  return solve({ rows, bits: affectBits, chosen, targets, costs, squares, kind: "classify", epochs, seed });
}
