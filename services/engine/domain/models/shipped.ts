import { loadModelWeights } from "./load.js";
import { createTextModel, type TextModel, type TextReading } from "./text-model.js";

let shipped: TextModel | undefined;

/** The models as shipped; read from disk at the first call. Throws when the weights are not those of their manifest. */
export function shippedTextModel(): TextModel {
  shipped ??= rememberLast(createTextModel(loadModelWeights()));
  return shipped;
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
