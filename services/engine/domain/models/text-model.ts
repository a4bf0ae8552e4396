import { encodedWindows } from "../judges/encoded-windows.js";
import { type AffectReading, createAffectReader } from "./affect-reader.js";
import { FeatureReader, longestText } from "./features.js";
import { foldForFeatures } from "./fold.js";
import { safetyHeads } from "./heads.js";
import type { ModelWeights } from "./load.js";
import { createNoiseReader } from "./noise-reader.js";
import { createSafetyReader, type HeadReading, type SafetyReading, stronger } from "./safety-reader.js";

export type { HeadReading, Level } from "./safety-reader.js";

/** What the models say about one text. */
export interface TextReading extends AffectReading {
  /** Of the text and of what is encoded in it, the stronger. */
  readonly safety: SafetyReading;
  /** Whether a stretch looks like an optimised suffix: noise that is made to steer a model. */
  readonly noise: HeadReading;
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
  const readNoise = createNoiseReader(weights);

  const readHidden = (text: string, plain: SafetyReading): SafetyReading =>
    encodedWindows(text).reduce((reading, { span, decoded }) => {
      const hidden = readSafety(reader.read(foldForFeatures(decoded)), decoded);
      const joint = safetyHeads.map(
        (head) => [head, stronger(reading[head], { ...hidden[head], span })] as const,
      );
      return Object.fromEntries(joint) as SafetyReading;
    }, plain);

  return {
    version: manifest.version,
    digest,
    read(given) {
      const text = given.slice(0, longestText);
      const folded = foldForFeatures(text);
      const features = reader.read(folded);
      const plain = readSafety(features, text);
      const affect = readAffect(features, folded);
      return { safety: readHidden(text, plain), noise: readNoise(text), ...affect };
    },
  };
}
