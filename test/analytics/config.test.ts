import { describe, expect, it } from "vitest";
import { readConfig } from "../../services/analytics/config.js";
import { ConfigError, configSource } from "../../services/kit/config.js";

const secret = Buffer.alloc(32, 9).toString("base64");

function problems(environment: Record<string, string>) {
  const source = configSource(environment);
  readConfig(source);
  try {
    source.finish();
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ name, value }) => ({ name, value }));
  }
}

const read = (environment: Record<string, string>) => readConfig(configSource(environment));

describe("configuration of analytics", () => {
  it("keeps decisions in a file of a single process, and in PostgreSQL for replicas", () => {
    expect(read({}).store).toEqual({ kind: "duckdb" });
    expect(read({ DEPLOYMENT: "replicated", ANALYTICS_SECRET: secret }).store).toEqual({ kind: "postgres" });
    expect(problems({ DEPLOYMENT: "replicated", ANALYTICS_SECRET: secret })).toEqual([]);
  });

  it("refuses a file that replicas would have to share", () => {
    const replicated = { DEPLOYMENT: "replicated", ANALYTICS_SECRET: secret, ANALYTICS_STORE: "duckdb" };
    expect(problems(replicated)).toEqual([{ name: "ANALYTICS_STORE", value: "duckdb" }]);
    expect(problems({ ANALYTICS_STORE: "duckdb" })).toEqual([]);
  });

  it("wants the URL of a ClickHouse server that it is to use, and does not show it", () => {
    const url = "https://analytics:a%20password@clickhouse:8443/figures";
    const given = { ANALYTICS_STORE: "clickhouse", ANALYTICS_CLICKHOUSE_URL: url };
    const at = { url: "https://clickhouse:8443" };
    const address = { ...at, username: "analytics", password: "a password", database: "figures" };
    expect(read(given).store).toEqual({ kind: "clickhouse", address });
    expect(read({ ...given, ANALYTICS_CLICKHOUSE_URL: at.url }).store).toEqual({
      kind: "clickhouse",
      address: { ...at, username: "default", password: "", database: "default" },
    });
    expect(problems(given)).toEqual([]);
    const missing = [{ name: "ANALYTICS_CLICKHOUSE_URL", value: "" }];
    expect(problems({ ANALYTICS_STORE: "clickhouse" })).toEqual(missing);
    const hidden = [{ name: "ANALYTICS_CLICKHOUSE_URL", value: "(hidden)" }];
    for (const none of ["clickhouse:a-password", "https://analytics:%zz@clickhouse"]) {
      expect(problems({ ...given, ANALYTICS_CLICKHOUSE_URL: none })).toEqual(hidden);
    }
  });

  it("wants one secret of 32 bytes for all replicas", () => {
    expect(read({ ANALYTICS_SECRET: secret }).secret).toEqual(Buffer.alloc(32, 9));
    expect(problems({ DEPLOYMENT: "replicated" })).toEqual([{ name: "ANALYTICS_SECRET", value: "" }]);
    const short = [{ name: "ANALYTICS_SECRET", value: "(hidden)" }];
    expect(problems({ ANALYTICS_SECRET: "c2hvcnQ=" })).toEqual(short);
  });

  it("bounds what a query may take, and how long decisions are kept", () => {
    expect(read({})).toMatchObject({ retentionDays: 730, bounds: { timeMs: 5_000, groups: 100_000 } });
    const given = { ANALYTICS_RETENTION_DAYS: "30", ANALYTICS_QUERY_MS: "250", ANALYTICS_QUERY_GROUPS: "99" };
    expect(read(given)).toMatchObject({ retentionDays: 30, bounds: { timeMs: 250, groups: 99 } });
    expect(problems({ ANALYTICS_QUERY_MS: "0" })).toEqual([{ name: "ANALYTICS_QUERY_MS", value: "0" }]);
  });
});
