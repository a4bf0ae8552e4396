import { loadModelWeights } from "../domain/models/load.js";
import { createTextModel, type TextModel } from "../domain/models/text-model.js";
import type { Dataset } from "./dataset.js";
import { evaluateAffect } from "./evaluate-affect.js";
import { evaluateSafety, evaluateTransfer } from "./evaluate-safety.js";
import type { Figure } from "./figure.js";

/** Every figure of the weights in a folder. */
export function evaluateAll(dataset: Dataset, data: string, weightsFolder: string): Figure[] {
  const weights = loadModelWeights(weightsFolder);
  const model = createTextModel(weights);
  return [
    ...evaluateSafety(dataset, model),
    ...evaluateTransfer(dataset, weights.manifest),
    ...evaluateAffect(data, model, weights.manifest),
  ];
}

/** The 95th percentile of the time to read a text of about 1,000 characters, in milliseconds. */
export function measureSpeed({ items }: Dataset, model: TextModel): number {
  const texts = items.filter(({ text }) => text.length >= 900 && text.length <= 1100).slice(0, 400);
  const times = texts.flatMap(({ text }) => {
    model.read(text);
    const start = process.hrtime.bigint();
    model.read(text);
    return [Number(process.hrtime.bigint() - start) / 1e6];
  });
  return times.sort((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN;
}
