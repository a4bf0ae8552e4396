import { type ConfigSource, oneOf, optionalText } from "../kit/config.js";
import type { ClickhouseAddress } from "./store/clickhouse/connection.js";

/** Where decisions are kept. */
export type StoreConfig =
  /** A file of the data directory, for one process alone. */
  | { readonly kind: "duckdb" }
  /** The platform's own database. */
  | { readonly kind: "postgres" }
  | { readonly kind: "clickhouse"; readonly address: ClickhouseAddress };

const stores = ["duckdb", "postgres", "clickhouse"] as const;

/** Reads which store there is; problems stay in the source. Replicas cannot share a file. */
export function readStore(source: ConfigSource): StoreConfig {
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
  const address = addressOf(url ?? "");
  if (!address) {
    const expected = "https://account:password@host:port/database, as ANALYTICS_STORE is clickhouse";
    source.refuse({ name: "ANALYTICS_CLICKHOUSE_URL", value: url ? "(hidden)" : "", expected });
  }
  return { kind, address: address ?? { url: "", username: "", password: "", database: "" } };
}

/** The parts of a URL, with ClickHouse's own account and database by default; undefined for anything else. */
function addressOf(text: string): ClickhouseAddress | undefined {
  try {
    const { protocol, origin, username, password, pathname } = new URL(text);
    if (!/^https?:$/.test(protocol)) return undefined;
    return {
      url: origin,
      username: decodeURIComponent(username) || "default",
      password: decodeURIComponent(password),
      database: decodeURIComponent(pathname.slice(1)) || "default",
    };
  } catch {
    return undefined;
  }
}
