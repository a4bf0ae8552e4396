import { probabilityOf } from "./calibration.js";
import { readClauses } from "./clauses.js";
import { FeatureReader, longestText } from "./features.js";
import { foldForFeatures, isAscii } from "./fold.js";
import {
  type AffectHead,
  type EmotionLabel,
  type EthicsHead,
  emotionLabels,
  type SafetyHead,
  windowedHeads,
  windowsOnly,
} from "./heads.js";
import { lexiconFeatures, readLexicon } from "./lexicon.js";
import { createScorer } from "./linear.js";
import type { ModelWeights } from "./load.js";
import { bandOf, type SafetyEntry } from "./manifest.js";

/** How strongly a head speaks: a warning, or a block by itself. */
export type Level = "none" | "warn" | "block";

/** What one head about harm says. */
export interface HeadReading {
  /** Calibrated probability that the text is of the head's kind, 0..1. */
  readonly probability: number;
  readonly level: Level;
  /** Where the strongest window lies, when a window decided and offsets are known. */
  readonly span?: { readonly start: number; readonly end: number };
}

/** What the models say about one text. */
export interface TextReading {
  readonly safety: Readonly<Record<SafetyHead, HeadReading>>;
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

/** Models that read texts. Holds buffers, so one for each thread. */
export interface TextModel {
  readonly version: string;
  /** SHA-256 in hex of manifest and weights. */
  readonly digest: string;
  /** Reads a text; what lies behind 16,384 UTF-16 units is not read. */
  read(text: string): TextReading;
}

/** Models from weights. */
export function createTextModel(weights: ModelWeights): TextModel {
  const { manifest, digest } = weights;
  const reader = new FeatureReader();
  const readSafety = createSafetyReader(weights);
  const readAffect = createAffectReader(weights);
  return {
    version: manifest.version,
    digest,
    read(text) {
      const folded = foldForFeatures(text.slice(0, longestText));
      const features = reader.read(folded);
      const safety = readSafety(features, text);
      return { safety, ...readAffect(features, folded) };
    },
  };
}

type Features = ReturnType<FeatureReader["read"]>;

function createSafetyReader({ manifest, safety }: ModelWeights) {
  const { bits, heads } = manifest.safety;
  const score = createScorer({
    bits,
    heads: heads.length,
    weights: safety,
    scales: heads.map((head) => head.scale),
    biases: heads.map((head) => head.bias),
  });
  const document = new Float64Array(heads.length);
  const window = new Float64Array(heads.length);
  const places = new Int32Array(heads.length);
  const sentenceHead = heads.findIndex(({ name }) => name === windowsOnly);
  const windowed = heads.map(({ name }) => windowedHeads.has(name));

  return (features: Features, text: string): Record<SafetyHead, HeadReading> => {
    score(features.document, document);
    places.fill(-1);
    if (features.windows.length > 1) document[sentenceHead] = Number.NEGATIVE_INFINITY;
    for (let at = 0; features.windows.length > 1 && at < features.windows.length; at++) {
      score(features.windows[at] as Features["document"], window);
      for (let head = 0; head < heads.length; head++) {
        if (!windowed[head] || (window[head] as number) <= (document[head] as number)) continue;
        document[head] = window[head] as number;
        places[head] = at;
      }
    }
    const band = bandOf(manifest.bands, text.length);
    const ends = isAscii(text) ? features.ends : undefined;
    const readings = heads.map((entry, head) => {
      const place = places[head] as number;
      const span =
        ends && place >= 0 ? { span: { start: ends[place - 1] ?? 0, end: ends[place] ?? text.length } } : {};
      return [entry.name, { ...readingOf(entry, document[head] as number, band), ...span }] as const;
    });
    return Object.fromEntries(readings) as Record<SafetyHead, HeadReading>;
  };
}

function readingOf(entry: SafetyEntry, score: number, band: number): HeadReading {
  const probability = probabilityOf(score, entry);
  const level =
    probability > (entry.block[band] ?? 1)
      ? "block"
      : probability > (entry.warn[band] ?? 1)
        ? "warn"
        : "none";
  return { probability, level };
}

function createAffectReader({ manifest, affect, clauses, lexicon }: ModelWeights) {
  const { bits, heads } = manifest.affect;
  const score = createScorer({
    bits,
    heads: heads.length,
    weights: affect,
    scales: heads.map((head) => head.scale),
    biases: heads.map((head) => head.bias),
  });
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

  return (features: Features, folded: string): Omit<TextReading, "safety"> => {
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
