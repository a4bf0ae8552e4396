import { affectScales } from "../domain/models/heads.js";
import type { Lexicon } from "../domain/models/lexicon.js";
import { rowsOf } from "./ethics.js";
import { frequencySquares } from "./feature-scaling.js";
import { ratingOf, readFeelings, readRatings } from "./feelings.js";
import { scaleRecipes } from "./recipes.js";
import { solve } from "./solver.js";
import { affectBits, extended, numbersOf, type TrainedHead, withoutPairs } from "./trained-head.js";

/** Trains valence and arousal on rated sentences and, with less weight, on labelled comments. */
export function trainScales(folder: string, lexicon: Lexicon): TrainedHead[] {
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
      bits: affectBits,
      chosen,
      targets: Float64Array.from(known, (rating) => rating[name]),
      costs: Float64Array.from(known, (_, at) => cost * (at < ratings.length ? 1 : reddit)),
      squares: extended(rows, frequencySquares(rows, chosen, affectBits), 0, square),
      kind: "regress",
      epochs,
      seed,
    });
    return { name, solution, slope: 1, offset: 0, numbers: numbersOf(rows, solution) };
  });
}
