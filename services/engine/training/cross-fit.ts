import { hashText } from "../domain/models/hash.js";
import type { SafetyHead } from "../domain/models/heads.js";
import type { Dataset, Item } from "./dataset.js";
import { type SafetyRecipe, safetyScorer, trainSafetyHead } from "./safety.js";

/** Families of sources that are left out together; own texts are spread by group. */
const folds: readonly (readonly string[])[] = [
  ["h1", "b1", "m1", "i1"],
  ["h2", "b2", "m2", "i2"],
  ["h3", "b3", "m3", "i3"],
  ["b4", "m4"],
  ["b5", "m5", "m6"],
];

/** A score from a model that saw nothing of the item's source. */
export interface ForeignScore {
  readonly item: Item;
  readonly score: number;
}

/** Scores each labelled item, the test split left out, by a model trained without its family of sources. */
export function crossFit(dataset: Dataset, head: SafetyHead, recipe: SafetyRecipe): ForeignScore[] {
  const known = dataset.items.filter((item) => item.split !== "test" && item.labels[head] !== undefined);
  return folds.flatMap((_, fold) => {
    const left = known.filter((item) => foldOf(item) === fold);
    const solution = trainSafetyHead(
      dataset,
      head,
      (item) => item.split !== "test" && foldOf(item) !== fold,
      recipe,
    );
    const score = safetyScorer(dataset, head, solution, recipe.bits);
    return left.map((item) => ({ item, score: score(item) }));
  });
}

function foldOf({ family, group }: Item): number {
  if (family.startsWith("o") || family === "i4") return hashText(group) % folds.length;
  return folds.findIndex((families) => families.includes(family));
}
