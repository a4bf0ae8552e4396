import { type ConfigSource, integer } from "../kit/config.js";
import { readKeyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { type ExportsConfig, exportDefaults, readExportsConfig } from "./exports/config.js";
import type { Bounds } from "./store/port.js";
import { readStore, type StoreConfig } from "./store-config.js";

/** Setting of the secret that pseudonyms and links are made with. */
export const secretSetting = "ANALYTICS_SECRET";

/** What may change without a release. */
export interface AnalyticsConfig {
  readonly store: StoreConfig;
  /** How long decisions are kept, in days. */
  readonly retentionDays: number;
  readonly bounds: Bounds;
  /** 32 bytes; kept in a file of the data directory when absent. */
  readonly secret: Uint8Array | undefined;
  readonly exports: ExportsConfig;
}

/** Analytics as shipped. */
export const defaults = {
  store: { kind: "duckdb" },
  retentionDays: 730,
  bounds: { timeMs: 5_000, groups: 100_000 },
  secret: undefined,
  exports: exportDefaults,
} as const satisfies AnalyticsConfig;

/** Reads the configuration; problems stay in the source. */
export function readConfig(source: ConfigSource): AnalyticsConfig {
  const { bounds } = defaults;
  const values = source.read({
    ANALYTICS_RETENTION_DAYS: integer(1, 36_500, { fallback: defaults.retentionDays }),
    ANALYTICS_QUERY_MS: integer(10, 60_000, { fallback: bounds.timeMs }),
    ANALYTICS_QUERY_GROUPS: integer(1, 10_000_000, { fallback: bounds.groups }),
  });
  return {
    store: readStore(source),
    retentionDays: values.ANALYTICS_RETENTION_DAYS,
    bounds: { timeMs: values.ANALYTICS_QUERY_MS, groups: values.ANALYTICS_QUERY_GROUPS },
    secret: readKeyEncryptionKey(source, secretSetting),
    exports: readExportsConfig(source),
  };
}
