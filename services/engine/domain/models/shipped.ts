import { loadModelWeights, type ModelWeights } from "./load.js";
import { loadModelCard, type ModelCard } from "./model-card.js";
import { createSupportModel, type SupportModel } from "./support-model.js";
import { createTagger, type Tagger } from "./tagger.js";
import { createTextModel, type TextModel, type TextReading } from "./text-model.js";

let weights: ModelWeights | undefined;
let shipped: TextModel | undefined;
let tagger: Tagger | undefined;
let support: SupportModel | undefined;
let card: ModelCard | undefined;

function shippedWeights(): ModelWeights {
  weights ??= loadModelWeights();
  return weights;
}

/** The models as shipped; read from disk at the first call. Throws when the weights are not those of their manifest. */
export function shippedTextModel(): TextModel {
  shipped ??= rememberLatest(createTextModel(shippedWeights()));
  return shipped;
}

/** The card that belongs to the models as shipped. Throws when it is another version's. */
export function shippedModelCard(): ModelCard {
  card ??= loadModelCard(shippedWeights().manifest.version);
  return card;
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

/** Question and answer, the revised answer, and a text of another call between them. */
const mostReadings = 4;

/** Keeps the readings of the latest texts, which several stages of one decision ask for. */
export function rememberLatest(model: TextModel, most = mostReadings): TextModel {
  let latest: readonly { readonly text: string; readonly reading: TextReading }[] = [];
  return {
    version: model.version,
    digest: model.digest,
    read(text) {
      const known = latest.find((one) => one.text === text);
      if (known) return known.reading;
      const reading = model.read(text);
      latest = [{ text, reading }, ...latest.slice(0, most - 1)];
      return reading;
    },
  };
}
