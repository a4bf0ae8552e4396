import { loadModelWeights } from "../domain/models/load.js";
import { createTextModel } from "../domain/models/text-model.js";
import type { Dataset } from "./dataset.js";
import { evaluateAffect } from "./evaluate-affect.js";
import { evaluateGoals } from "./evaluate-goals.js";
import { evaluateNoise } from "./evaluate-noise.js";
import { evaluatePersonalData } from "./evaluate-personal-data.js";
import { evaluateSafety, evaluateTransfer } from "./evaluate-safety.js";
import { evaluateSupport } from "./evaluate-support.js";
import type { Figure } from "./figure.js";
import { type Foreign, readLeftOut } from "./left-out.js";

/** Figures for the card: those of the goals, and of each head. */
export interface Figures {
  readonly goals: readonly Figure[];
  readonly heads: readonly Figure[];
}

/** Every figure of the weights in a folder. */
export function evaluateAll(
  dataset: Dataset,
  foreign: Foreign,
  data: string,
  weightsFolder: string,
): Figures {
  const weights = loadModelWeights(weightsFolder);
  const model = createTextModel(weights);
  const readings = readLeftOut(dataset.items, foreign, weights.manifest);
  return {
    goals: [
      ...evaluateGoals(readings),
      ...evaluateNoise(readings, foreign, weights.manifest),
      ...evaluatePersonalData(data, weights),
      ...evaluateSupport(foreign.support),
      ...evaluateAffect(data, model, weights.manifest),
    ],
    heads: [...evaluateSafety(dataset, model), ...evaluateTransfer(readings)],
  };
}
