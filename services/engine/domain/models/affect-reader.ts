import { probabilityOf } from "./calibration.js";
import { readClauses } from "./clauses.js";
import type { TextFeatures } from "./features.js";
import { type AffectHead, type EmotionLabel, type EthicsHead, emotionLabels } from "./heads.js";
import { lexiconFeatures, readLexicon } from "./lexicon.js";
import { scorerOf } from "./linear.js";
import type { ModelWeights } from "./load.js";

/** What the heads of feeling and ethics say. */
export interface AffectReading {
  /** Probability that what is described is acceptable, 0..1, by head. */
  readonly ethics: Readonly<Record<EthicsHead, number>>;
  readonly emotion: {
    /** -1 unpleasant .. 1 pleasant. */
    readonly valence: number;
    /** -1 calm .. 1 excited. */
    readonly arousal: number;
    readonly labels: Readonly<Record<EmotionLabel, number>>;
  };
}

/** Makes a reader of the whole text by the heads of feeling and ethics. Holds buffers. */
export function createAffectReader({ manifest, affect, clauses, lexicon }: ModelWeights) {
  const { heads } = manifest.affect;
  const score = scorerOf(manifest.affect, affect);
  const scores = new Float64Array(heads.length);
  const numbers = new Float64Array(lexiconFeatures.length);
  const columns = manifest.clauses.heads.map(({ name }) => heads.findIndex((head) => head.name === name));

  const addClauses = (folded: string): void => {
    const pairs = readClauses(folded);
    if (pairs.length === 0) return;
    manifest.clauses.heads.forEach(({ scale }, clause) => {
      let sum = 0;
      for (const pair of pairs) sum += clauses[pair * columns.length + clause] as number;
      const column = columns[clause] as number;
      scores[column] = (scores[column] as number) + (sum * scale) / Math.sqrt(pairs.length);
    });
  };

  return (features: TextFeatures, folded: string): AffectReading => {
    score(features.document, scores);
    readLexicon(folded, lexicon, numbers);
    heads.forEach((head, at) => {
      for (let number = 0; number < head.numbers.length; number++) {
        scores[at] = (scores[at] as number) + (head.numbers[number] as number) * (numbers[number] as number);
      }
    });
    addClauses(folded);
    const values = new Map<AffectHead, number>(
      heads.map((head, at) => [head.name, scaleValue(head, scores[at] as number)]),
    );
    const value = (name: AffectHead) => values.get(name) ?? 0;
    return {
      ethics: { deontology: value("deontology"), justice: value("justice"), utility: value("utility") },
      emotion: {
        valence: value("valence"),
        arousal: value("arousal"),
        labels: Object.fromEntries(emotionLabels.map((label) => [label, value(label)])) as Record<
          EmotionLabel,
          number
        >,
      },
    };
  };
}

/** A probability, or for valence and arousal a number from -1 to 1. */
function scaleValue(head: ModelWeights["manifest"]["affect"]["heads"][number], score: number): number {
  if (head.name !== "valence" && head.name !== "arousal") return probabilityOf(score, head);
  return Math.min(1, Math.max(-1, head.slope * score + head.offset));
}
