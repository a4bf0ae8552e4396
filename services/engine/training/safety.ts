import { type SafetyHead, windowedHeads, windowsOnly } from "../domain/models/heads.js";
import type { Dataset, Item } from "./dataset.js";
import { documentFrequency, inverseFrequency } from "./rows.js";
import { createSpace, type Solution, solve } from "./solver.js";

/** How one head about harm is trained. */
export interface SafetyRecipe {
  readonly bits: number;
  /** Cost of an error; positives and negatives weigh the same in sum when `balance` is 1. */
  readonly cost: number;
  readonly balance: number;
  readonly epochs: number;
  readonly seed: number;
  /** Weight of the windows of harmless texts, which a windowed head must not take for harm. */
  readonly windowWeight: number;
}

interface Row {
  readonly row: number;
  readonly label: 1 | -1;
  readonly weight: number;
}

/** Trains one head on the items chosen. */
export function trainSafetyHead(
  { items, rows }: Dataset,
  head: SafetyHead,
  use: (item: Item) => boolean,
  recipe: SafetyRecipe,
): Solution {
  const list = items.filter(use).flatMap((item) => rowsOf(item, head, recipe));
  const chosen = Int32Array.from(list, ({ row }) => row);
  const weights = inverseFrequency(documentFrequency(rows, chosen, recipe.bits), chosen.length);
  return solve({
    rows,
    bits: recipe.bits,
    chosen,
    targets: Float64Array.from(list, ({ label }) => label),
    costs: costsOf(list, recipe),
    squares: Float32Array.from(weights, (weight) => weight * weight),
    kind: "classify",
    epochs: recipe.epochs,
    seed: recipe.seed,
  });
}

function rowsOf(item: Item, head: SafetyHead, { windowWeight }: SafetyRecipe): Row[] {
  const label = item.labels[head];
  if (label === undefined || item.weight === 0) return [];
  const weight = item.weight ?? 1;
  const document = { row: item.row, label, weight };
  if (label === 1 || !windowedHeads.has(head)) return [document];
  const step = Math.max(1, Math.floor(item.windows.length / 3));
  const windows = item.windows.filter((_, at) => at % step === 0).slice(0, 3);
  return [document, ...windows.map((row) => ({ row, label, weight: weight * windowWeight }))];
}

function costsOf(list: readonly Row[], { cost, balance }: SafetyRecipe): Float64Array {
  const sum = (label: number) =>
    list.reduce((total, row) => total + (row.label === label ? row.weight : 0), 0);
  const ratio = (sum(-1) / sum(1)) ** 0.5;
  const share = 1 + (ratio - 1) * balance;
  return Float64Array.from(list, ({ label, weight }) => cost * weight * (label === 1 ? share : 1));
}

/** Scores items with a head: the highest of document and windows where the head is windowed. */
export function safetyScorer(
  { rows }: Dataset,
  head: SafetyHead,
  { weights, bias }: Solution,
  bits: number,
): (item: Item) => number {
  const space = createSpace({ rows, bits, squares: weights });
  space.weights.set(weights);
  const windowed = windowedHeads.has(head);
  return (item) => {
    let score =
      head === windowsOnly && item.windows.length > 0 ? Number.NEGATIVE_INFINITY : space.dot(item.row);
    if (windowed) for (const window of item.windows) score = Math.max(score, space.dot(window));
    return score + bias;
  };
}
