import { probabilityOf } from "./calibration.js";
import type { TextFeatures } from "./features.js";
import { isAscii } from "./fold.js";
import { type SafetyHead, windowedHeads, windowsOnly } from "./heads.js";
import { scorerOf } from "./linear.js";
import type { ModelWeights } from "./load.js";
import { bandOf, type Thresholds } from "./manifest.js";

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

/** What every head about harm says. */
export type SafetyReading = Readonly<Record<SafetyHead, HeadReading>>;

/** Makes a reader of a text's document and windows by the heads about harm. Holds buffers. */
export function createSafetyReader({ manifest, safety }: ModelWeights) {
  const { heads } = manifest.safety;
  const score = scorerOf(manifest.safety, safety);
  const document = new Float64Array(heads.length);
  const window = new Float64Array(heads.length);
  const places = new Int32Array(heads.length);
  const sentenceHead = heads.findIndex(({ name }) => name === windowsOnly);
  const windowed = heads.map(({ name }) => windowedHeads.has(name));

  return (features: TextFeatures, text: string): SafetyReading => {
    score(features.document, document);
    places.fill(-1);
    if (features.windows.length > 1) document[sentenceHead] = Number.NEGATIVE_INFINITY;
    for (let at = 0; features.windows.length > 1 && at < features.windows.length; at++) {
      score(features.windows[at] as TextFeatures["document"], window);
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
      const probability = probabilityOf(document[head] as number, entry);
      return [entry.name, { probability, level: levelOf(probability, entry, band), ...span }] as const;
    });
    return Object.fromEntries(readings) as SafetyReading;
  };
}

/** How strongly a probability speaks in a band of lengths. */
export function levelOf(probability: number, { warn, block }: Thresholds, band: number): Level {
  if (probability > (block[band] ?? 1)) return "block";
  return probability > (warn[band] ?? 1) ? "warn" : "none";
}

/** The stronger of two readings of one text. */
export function stronger(first: HeadReading, second: HeadReading): HeadReading {
  const level = ranks[second.level] > ranks[first.level] ? second.level : first.level;
  const higher = second.probability > first.probability ? second : first;
  return { ...higher, level };
}

const ranks: Readonly<Record<Level, number>> = { none: 0, warn: 1, block: 2 };
