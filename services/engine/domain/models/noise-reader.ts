import { probabilityOf } from "./calibration.js";
import type { ModelWeights } from "./load.js";
import { bandOf } from "./manifest.js";
import { type HeadReading, levelOf } from "./safety-reader.js";
import { createSurpriseReader } from "./surprise.js";

/** Makes a reader that tells how much the strangest window of a text resembles an optimised suffix. Holds buffers. */
export function createNoiseReader({ manifest, seen }: ModelWeights): (text: string) => HeadReading {
  const { noise, bands } = manifest;
  const read = createSurpriseReader(seen);
  return (text) => {
    let highest = Number.NEGATIVE_INFINITY;
    read(text, (features) => {
      let score = noise.bias;
      for (let at = 0; at < features.length; at++)
        score += (noise.weights[at] as number) * (features[at] as number);
      highest = Math.max(highest, score);
    });
    const probability = probabilityOf(highest, noise);
    return { probability, level: levelOf(probability, noise, bandOf(bands, text.length)) };
  };
}
