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

/** Number of folds. */
export const foldCount = folds.length;

/** Scores by models that saw nothing of the item's source, whether or not the item is labelled for the head. */
export type ForeignScores = ReadonlyMap<Item, number>;

/** Scores each item, the test split left out, by a model trained without its family of sources. */
export function crossFit(dataset: Dataset, head: SafetyHead, recipe: SafetyRecipe): ForeignScores {
  const scores = new Map<Item, number>();
  const known = dataset.items.filter((item) => item.split !== "test");
  for (let fold = 0; fold < foldCount; fold++) {
    const use = (item: Item) => item.split !== "test" && foldOf(item) !== fold;
    const score = safetyScorer(dataset, head, trainSafetyHead(dataset, head, use, recipe), recipe.bits);
    for (const item of known) if (foldOf(item) === fold) scores.set(item, score(item));
  }
  return scores;
}

/** The fold in which an item is left out. */
export function foldOf({ family, group }: Item): number {
  if (family.startsWith("o") || family === "i4") return hashText(group) % folds.length;
  return folds.findIndex((families) => families.includes(family));
}
