import { affectHeads, type ClauseHead, clauseHeads } from "../domain/models/heads.js";
import type { Lexicon } from "../domain/models/lexicon.js";
import type { AffectEntry } from "../domain/models/manifest.js";
import { quantise } from "./quantise.js";
import { trainEmotions } from "./train-emotions.js";
import { trainEthics } from "./train-ethics.js";
import { trainScales } from "./train-scales.js";
import { affectBits, type TrainedHead } from "./trained-head.js";

/** The heads of feeling and ethics with their weights. */
export interface TrainedAffect {
  readonly entries: AffectEntry[];
  readonly weights: Int8Array;
  readonly clauses: { name: ClauseHead; scale: number }[];
  readonly clauseWeights: Int8Array;
}

/** Trains and calibrates every head of feeling and ethics. */
export function trainAffect(folder: string, lexicon: Lexicon, report: (line: string) => void): TrainedAffect {
  const heads = [
    ...trainEmotions(folder, lexicon, report),
    ...trainScales(folder, lexicon),
    ...trainEthics(folder, lexicon),
  ];
  const sorted = affectHeads.map((name) => heads.find((head) => head.name === name) as TrainedHead);
  const { weights, scales } = quantise(
    sorted.map(({ solution }) => solution.weights),
    2 << affectBits,
  );
  const entries = sorted.map(
    ({ name, solution, slope, offset, numbers, threshold }, at): AffectEntry => ({
      name,
      scale: scales[at] as number,
      bias: solution.bias,
      slope,
      offset,
      numbers,
      ...(threshold === undefined ? {} : { threshold }),
    }),
  );
  const pairs = quantise(
    clauseHeads.map(
      (name) => heads.find((head) => head.name === name)?.pairs ?? new Float32Array(1 << affectBits),
    ),
    1 << affectBits,
  );
  const clauses = clauseHeads.map((name, at) => ({ name, scale: pairs.scales[at] as number }));
  return { entries, weights, clauses, clauseWeights: pairs.weights };
}
