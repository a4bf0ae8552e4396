import type { Calibration } from "./calibration.js";
import type { AffectHead, EthicsHead, SafetyHead } from "./heads.js";

/** What turns the whole-number sums of a head into its score: `sum * scale + bias`. */
export interface HeadScale {
  readonly scale: number;
  readonly bias: number;
}

/** A head about harm. Thresholds are probabilities, one for each length band. */
export interface SafetyEntry extends HeadScale, Calibration {
  readonly name: SafetyHead;
  /** From here on a warning: 1 % of harmless texts of unseen sources lie above. */
  readonly warn: readonly number[];
  /** From here on a block: 0.05 % of harmless texts of unseen sources lie above. */
  readonly block: readonly number[];
}

/** A head of feeling or ethics. */
export interface AffectEntry extends HeadScale, Calibration {
  readonly name: AffectHead;
  /** Weights of the lexicon's numbers. */
  readonly numbers: readonly number[];
  /** For emotions: the probability from which the label counts as present (highest F1). */
  readonly threshold?: number;
}

/** What stands beside the weights and gives them meaning. */
export interface Manifest {
  /** Version of the models, part of every judgement. */
  readonly version: string;
  /** Upper ends of the length bands, in UTF-16 units; longer texts are of the last band. */
  readonly bands: readonly number[];
  readonly safety: { readonly bits: number; readonly heads: readonly SafetyEntry[] };
  readonly affect: { readonly bits: number; readonly heads: readonly AffectEntry[] };
  /** Pairs of words of two clauses. */
  readonly clauses: { readonly heads: readonly { readonly name: EthicsHead; readonly scale: number }[] };
  /** SHA-256 of each file of weights, in hex. */
  readonly files: Readonly<Record<WeightFile, string>>;
}

/** Files of weights. */
export const weightFiles = ["safety.bin", "affect.bin", "clauses.bin", "lexicon.bin"] as const;

/** Name of a file of weights. */
export type WeightFile = (typeof weightFiles)[number];

/** Band of a text's length. */
export function bandOf(bands: readonly number[], length: number): number {
  const band = bands.findIndex((end) => length <= end);
  return band < 0 ? bands.length : band;
}
