import { ethicsHeads } from "../domain/models/heads.js";
import type { Lexicon } from "../domain/models/lexicon.js";
import { readDeontology, readJustice, readUtility, rowsOf, splitOfGroup } from "./ethics.js";
import { frequencySquares } from "./feature-scaling.js";
import { fitPlatt } from "./platt.js";
import { ethicsRecipes, numberSquare } from "./recipes.js";
import { solve } from "./solver.js";
import { affectBits, extended, numbersOf, scorer, type TrainedHead, withoutPairs } from "./trained-head.js";

/** Trains and calibrates the heads of ethics. */
export function trainEthics(folder: string, lexicon: Lexicon): TrainedHead[] {
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
      bits: affectBits,
      chosen,
      targets: Float64Array.from(chosen, (at) => items[at]?.label ?? 1),
      costs: new Float64Array(chosen.length).fill(cost),
      squares: extended(rows, frequencySquares(rows, chosen, affectBits), 1, numberSquare),
      kind: "classify",
      epochs,
      seed,
    });
    const calibrate = of("calibrate");
    const calibration = fitPlatt(
      calibrate.map(scorer(rows, solution)),
      calibrate.map((at) => Number(items[at]?.label === 1)),
    );
    const start = 2 << affectBits;
    return {
      name,
      solution,
      ...calibration,
      numbers: numbersOf(rows, solution),
      pairs: solution.weights.slice(start, start + (1 << affectBits)),
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
    bits: affectBits,
    chosen,
    rivals,
    targets: new Float64Array(chosen.length).fill(1),
    costs: new Float64Array(chosen.length).fill(cost),
    squares: extended(
      rows,
      frequencySquares(rows, Int32Array.from([...chosen, ...rivals]), affectBits),
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
