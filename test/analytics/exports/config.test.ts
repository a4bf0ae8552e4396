import { describe, expect, it } from "vitest";
import { exportDefaults, readExportsConfig } from "../../../services/analytics/exports/config.js";
import { ConfigError, configSource } from "../../../services/kit/config.js";

function read(environment: Record<string, string>) {
  const source = configSource(environment);
  const config = readExportsConfig(source);
  source.finish();
  return config;
}

describe("the configuration of exports", () => {
  it("is what is shipped where nothing is given", () => {
    expect(read({})).toEqual(exportDefaults);
  });

  it("keeps files in the database where replicas share no directory", () => {
    expect(read({ DEPLOYMENT: "replicated" }).files).toEqual({ kind: "database" });
    const shared = { DEPLOYMENT: "replicated", ANALYTICS_EXPORTS_DIRECTORY: "/shared" };
    expect(read(shared).files).toEqual({ kind: "directory", path: "/shared" });
  });

  it("reads sizes and times in the units of their names", () => {
    const given = {
      ANALYTICS_EXPORT_MIB: "2",
      ANALYTICS_EXPORT_SECONDS: "3",
      ANALYTICS_EXPORT_HOURS: "4",
      ANALYTICS_EXPORT_LINK_SECONDS: "5",
    };
    expect(read(given)).toMatchObject({
      mostBytes: 2_097_152,
      longestMs: 3000,
      keptMs: 14_400_000,
      linkMs: 5000,
    });
  });

  it("refuses what would leave nobody to write", () => {
    expect(() => read({ ANALYTICS_EXPORT_WORKERS: "0" })).toThrow(ConfigError);
  });
});
