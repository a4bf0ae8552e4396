import type { Source } from "../example.js";
import { benignSources } from "./benign.js";
import { harmSources } from "./harm.js";
import { injectionSources } from "./injection.js";
import { moderationSources } from "./moderation.js";
import { ownSources } from "./own.js";

/** Every source of the heads about harm. */
export const safetySources: readonly Source[] = [
  ...benignSources,
  ...harmSources,
  ...moderationSources,
  ...injectionSources,
  ...ownSources,
];
