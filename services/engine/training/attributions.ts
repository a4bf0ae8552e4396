import { safetySources } from "./sources/registry.js";

/** A source of data with its licence. */
export interface Attribution {
  readonly name: string;
  readonly origin: string;
  readonly licence: string;
}

/** Sources of the heads of feeling and ethics that no head about harm reads. */
const others: readonly Attribution[] = [
  { name: "VADER lexicon", origin: "cjhutto/vaderSentiment", licence: "MIT" },
];

/** Every source that the weights were made from. */
export const attributions: readonly Attribution[] = [...safetySources, ...others];

/** Licences whose share-alike clause may or may not reach weights: unsettled. */
export function isShareAlike({ licence }: Attribution): boolean {
  return licence.includes("BY-SA");
}
