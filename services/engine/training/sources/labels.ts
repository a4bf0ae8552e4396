import { type SafetyHead, safetyHeads } from "../../domain/models/heads.js";

/** A label for each of some heads. */
export type Labels = Readonly<Partial<Record<SafetyHead, 1 | -1>>>;

/** Nothing of any kind, though it may instruct its reader. */
export const harmless: Labels = allBut(["instruction_in_data"]);

/** -1 for every head but some. */
export function allBut(left: readonly SafetyHead[]): Labels {
  return Object.fromEntries(safetyHeads.filter((head) => !left.includes(head)).map((head) => [head, -1]));
}

/** 1 for some heads, -1 for others. */
export function labelled(yes: readonly SafetyHead[], no: readonly SafetyHead[] = []): Labels {
  return {
    ...Object.fromEntries(no.map((head) => [head, -1])),
    ...Object.fromEntries(yes.map((head) => [head, 1])),
  };
}
