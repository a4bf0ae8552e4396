import type { Calibration } from "./calibration.js";
import type { AffectHead, EthicsHead, SafetyHead } from "./heads.js";
import type { SupportMode } from "./support-mode.js";
import type { Tag } from "./tagger.js";

/** What turns the whole-number sums of a head into its score: `sum * scale + bias`. */
export interface HeadScale {
  readonly scale: number;
  readonly bias: number;
}

/** Probabilities from which a head speaks, one for each length band. */
export interface Thresholds {
  /** From here on a warning: 1 % of harmless texts of unseen sources lie above. */
  readonly warn: readonly number[];
  /** From here on a block: 0.05 % of harmless texts of unseen sources lie above. */
  readonly block: readonly number[];
}

/** A head about harm. */
export interface SafetyEntry extends HeadScale, Calibration, Thresholds {
  readonly name: SafetyHead;
}

/** What tells noise from text: weights of `surpriseFeatures`. */
export interface NoiseEntry extends Calibration, Thresholds {
  readonly weights: readonly number[];
  readonly bias: number;
}

/** What tells words of names or addresses from others. */
export interface TagEntry extends HeadScale, Calibration {
  readonly name: Tag;
  /** From this probability on a word belongs. */
  readonly threshold: number;
}

/** What tells whether a passage supports an answer. */
export interface SupportEntry extends Calibration {
  readonly weights: readonly number[];
  readonly bias: number;
  /** Below this probability an answer is better withheld: a point of the risk-coverage curve. */
  readonly abstainBelow: number;
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
  readonly noise: NoiseEntry;
  readonly affect: { readonly bits: number; readonly heads: readonly AffectEntry[] };
  readonly tags: readonly TagEntry[];
  readonly support: Readonly<Record<SupportMode, SupportEntry>>;
  /** Pairs of words of two clauses. */
  readonly clauses: { readonly heads: readonly { readonly name: EthicsHead; readonly scale: number }[] };
  /** SHA-256 of each file of weights, in hex. */
  readonly files: Readonly<Record<WeightFile, string>>;
}

/** Files of weights. */
export const weightFiles = [
  "safety.bin",
  "affect.bin",
  "clauses.bin",
  "lexicon.bin",
  "seen.bin",
  "frequency.bin",
  "tags.bin",
] as const;

/** Name of a file of weights. */
export type WeightFile = (typeof weightFiles)[number];

/** Band of a text's length. */
export function bandOf(bands: readonly number[], length: number): number {
  const band = bands.findIndex((end) => length <= end);
  return band < 0 ? bands.length : band;
}
