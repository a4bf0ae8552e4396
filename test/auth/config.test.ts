import { describe, expect, it } from "vitest";
import { readConfig } from "../../services/auth/config.js";
import { ConfigError, configSource } from "../../services/kit/config.js";

const key = Buffer.alloc(32, 1).toString("base64");

function read(environment: Record<string, string> = {}) {
  const source = configSource(environment);
  const config = readConfig(source);
  source.finish();
  return config;
}

function problems(environment: Record<string, string>) {
  try {
    read(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ name, value }) => ({ name, value }));
    throw error;
  }
  return [];
}

describe("auth's configuration", () => {
  it("needs nothing", () => {
    expect(read()).toMatchObject({
      adminPassword: undefined,
      lifetimes: { access: 900, refresh: 604_800 },
      passwords: { concurrency: 2, waiting: 64, memoryKib: 19_456, passes: 2 },
      keyEncryptionKey: undefined,
      production: false,
    });
  });

  it("takes what is set", () => {
    const config = read({
      ADMIN_PASSWORD: "twelve chars",
      AUTH_ACCESS_TTL: "300",
      AUTH_KEY_ENCRYPTION_KEY: key,
      ENVIRONMENT: "production",
    });
    expect(config).toMatchObject({
      adminPassword: "twelve chars",
      production: true,
      lifetimes: { access: 300 },
    });
    expect(config.keyEncryptionKey).toEqual(Buffer.alloc(32, 1));
  });

  it("counts the characters of a password, not their code units", () => {
    expect(problems({ ADMIN_PASSWORD: "🔑".repeat(12) })).toEqual([]);
    expect(problems({ ADMIN_PASSWORD: "🔑".repeat(11) })).toEqual([
      { name: "ADMIN_PASSWORD", value: "(hidden)" },
    ]);
    expect(problems({ ADMIN_PASSWORD: "x".repeat(257) })).toHaveLength(1);
  });

  it("refuses a key-encryption key that has not 32 bytes, without showing it", () => {
    const wrong = [{ name: "AUTH_KEY_ENCRYPTION_KEY", value: "(hidden)" }];
    expect(problems({ AUTH_KEY_ENCRYPTION_KEY: "c2hvcnQ=" })).toEqual(wrong);
    expect(problems({ AUTH_KEY_ENCRYPTION_KEY: key, DEPLOYMENT: "replicated" })).toEqual([]);
  });

  it("needs the key-encryption key where replicas share it", () => {
    expect(problems({ DEPLOYMENT: "replicated" })).toEqual([{ name: "AUTH_KEY_ENCRYPTION_KEY", value: "" }]);
  });

  it("lets hashes be dearer than OWASP's, never cheaper", () => {
    expect(read({ AUTH_ARGON2_MEMORY_KIB: "65536", AUTH_ARGON2_PASSES: "3" }).passwords.passes).toBe(3);
    expect(problems({ AUTH_ARGON2_MEMORY_KIB: "1024", AUTH_ARGON2_PASSES: "1" })).toHaveLength(2);
  });

  it("tells every problem at once", () => {
    const names = problems({ ADMIN_PASSWORD: "short", AUTH_ACCESS_TTL: "1", ENVIRONMENT: "moon" }).map(
      ({ name }) => name,
    );
    expect(names.sort()).toEqual(["ADMIN_PASSWORD", "AUTH_ACCESS_TTL", "ENVIRONMENT"]);
  });
});
