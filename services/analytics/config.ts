import type { ConfigSource } from "../kit/config.js";

/** What may change without a release. */
export type AnalyticsConfig = Record<never, never>;

/** Reads the configuration; problems stay in the source. */
export function readConfig(_source: ConfigSource): AnalyticsConfig {
  return {};
}
