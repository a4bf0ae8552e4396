import { expect, it } from "vitest";
import { readConfig } from "../../services/auth/config.js";
import { ConfigError, configSource } from "../../services/kit/config.js";

function read(environment: Record<string, string> = {}) {
  const source = configSource(environment);
  const config = readConfig(source);
  source.finish();
  return config;
}

const day = 86_400_000;

it("signs by RS256 with a key of 30 days unless told otherwise", () => {
  expect(read().signing).toEqual({ algorithm: "RS256", periodMs: 30 * day });
  const told = { AUTH_SIGNING_ALGORITHM: "ES256", AUTH_KEY_ROTATION_DAYS: "1" };
  expect(read(told).signing).toEqual({ algorithm: "ES256", periodMs: day });
});

it.each<Record<string, string>>([
  { AUTH_SIGNING_ALGORITHM: "HS256" },
  { AUTH_SIGNING_ALGORITHM: "none" },
  { AUTH_SIGNING_ALGORITHM: "rs256" },
  { AUTH_KEY_ROTATION_DAYS: "0" },
  { AUTH_KEY_ROTATION_DAYS: "366" },
])("refuses %j", (environment) => {
  expect(() => read(environment)).toThrow(ConfigError);
});
