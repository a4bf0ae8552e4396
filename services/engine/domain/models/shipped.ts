import { loadModelWeights, type ModelWeights } from "./load.js";
import { createSupportModel, type SupportModel } from "./support-model.js";
import { createTagger, type Tagger } from "./tagger.js";
import { createTextModel, type TextModel, type TextReading } from "./text-model.js";

let weights: ModelWeights | undefined;
let shipped: TextModel | undefined;
let tagger: Tagger | undefined;
let support: SupportModel | undefined;

function shippedWeights(): ModelWeights {
  weights ??= loadModelWeights();
  return weights;
}

/** The models as shipped; read from disk at the first call. Throws when the weights are not those of their manifest. */
export function shippedTextModel(): TextModel {
  shipped ??= rememberLast(createTextModel(shippedWeights()));
  return shipped;
}

/** The tagger of names and addresses as shipped. */
export function shippedTagger(): Tagger {
  tagger ??= createTagger(shippedWeights());
  return tagger;
}

/** The model of support as shipped. */
export function shippedSupportModel(): SupportModel {
  support ??= createSupportModel(shippedWeights());
  return support;
}

/** Keeps the reading of the last text, which several stages of one decision ask for. */
export function rememberLast(model: TextModel): TextModel {
  let last: { readonly text: string; readonly reading: TextReading } | undefined;
  return {
    version: model.version,
    digest: model.digest,
    read(text) {
      if (last?.text !== text) last = { text, reading: model.read(text) };
      return last.reading;
    },
  };
}
