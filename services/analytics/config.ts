import { type ConfigSource, integer, oneOf, optionalText } from "../kit/config.js";
import { readKeyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { type ExportsConfig, exportDefaults, readExportsConfig } from "./exports/config.js";
import type { Bounds } from "./store/port.js";

/** Setting of the secret that pseudonyms and links are made with. */
export const secretSetting = "ANALYTICS_SECRET";

/** Where decisions are kept. */
export type StoreConfig =
  /** A file of the data directory, for one process alone. */
  | { readonly kind: "duckdb" }
  /** The platform's own database. */
  | { readonly kind: "postgres" }
  /** A server, by URL with the account, its password and the database. */
  | { readonly kind: "clickhouse"; readonly url: string };

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

const stores = ["duckdb", "postgres", "clickhouse"] as const;

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

function readStore(source: ConfigSource): StoreConfig {
  const { DEPLOYMENT: deployment } = source.read({
    DEPLOYMENT: oneOf(["single", "replicated"], { fallback: "single" }),
  });
  const fallback = deployment === "replicated" ? "postgres" : "duckdb";
  const { ANALYTICS_STORE: kind, ANALYTICS_CLICKHOUSE_URL: url } = source.read({
    ANALYTICS_STORE: oneOf<(typeof stores)[number]>(stores, { fallback }),
    ANALYTICS_CLICKHOUSE_URL: optionalText({ secret: true }),
  });
  if (kind === "duckdb" && deployment === "replicated") {
    const expected = "postgres or clickhouse, as replicas cannot share a file";
    source.refuse({ name: "ANALYTICS_STORE", value: kind, expected });
  }
  if (kind !== "clickhouse") return { kind };
  if (url === undefined || !/^https?:$/.test(protocolOf(url))) {
    const expected = "the URL of a ClickHouse server, as ANALYTICS_STORE is clickhouse";
    source.refuse({ name: "ANALYTICS_CLICKHOUSE_URL", value: url ? "(hidden)" : "", expected });
  }
  return { kind, url: url ?? "" };
}

function protocolOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}
