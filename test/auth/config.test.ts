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
      apiKeys: { perAccount: 20, longestDays: 365 },
      keyEncryptionKey: undefined,
      production: false,
    });
  });

  it("takes what is set", () => {
    const config = read({
      ADMIN_PASSWORD: "twelve chars",
      AUTH_ACCESS_TTL: "300",
      AUTH_API_KEYS_PER_ACCOUNT: "3",
      AUTH_API_KEY_DAYS: "7",
      AUTH_KEY_ENCRYPTION_KEY: key,
      ENVIRONMENT: "production",
    });
    expect(config).toMatchObject({
      adminPassword: "twelve chars",
      production: true,
      lifetimes: { access: 300 },
      apiKeys: { perAccount: 3, longestDays: 7 },
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

  it("sends mail where a server and a sender are named, by TLS but on this machine", () => {
    const mailOf = (url: string) =>
      read({ AUTH_MAIL_URL: url, AUTH_MAIL_FROM: "a@example.org" }).accounts.mail;
    expect(read().accounts.mail).toBeUndefined();
    expect(mailOf("smtp://us%40er:p%3Aw@mail.example.org:2525")).toEqual({
      server: {
        host: "mail.example.org",
        port: 2525,
        implicitTls: false,
        requireTls: true,
        user: "us@er",
        password: "p:w",
      },
      from: "a@example.org",
      link: undefined,
    });
    expect(mailOf("smtps://mail.example.org")?.server).toMatchObject({ port: 465, implicitTls: true });
    expect(mailOf("smtp://127.0.0.1:25")?.server).toMatchObject({ port: 25, requireTls: false });
    expect(mailOf("smtp://relay.example.org?tls=optional")?.server).toMatchObject({ requireTls: false });
  });

  it("refuses a mail server that is none, without showing it, and one without a sender", () => {
    const named = { AUTH_MAIL_FROM: "a@example.org" };
    const hidden = [{ name: "AUTH_MAIL_URL", value: "(hidden)" }];
    expect(problems({ ...named, AUTH_MAIL_URL: "http://user:secret@mail" })).toEqual(hidden);
    expect(problems({ ...named, AUTH_MAIL_URL: "mail" })).toEqual(hidden);
    expect(problems({ AUTH_MAIL_URL: "smtp://mail" })).toEqual([{ name: "AUTH_MAIL_FROM", value: "" }]);
    expect(problems({ AUTH_MAIL_LINK: "javascript:alert(1)" })).toHaveLength(1);
  });

  it("counts failed sign-ins to five for an account and twenty for an address unless told", () => {
    expect(read().accounts).toMatchObject({
      openRegistration: false,
      failures: { perAccount: 5, perAddress: 20 },
    });
    const told = { AUTH_ACCOUNT_FAILURES: "3", AUTH_ADDRESS_FAILURES: "9", AUTH_OPEN_REGISTRATION: "true" };
    expect(read(told).accounts).toMatchObject({
      openRegistration: true,
      failures: { perAccount: 3, perAddress: 9 },
    });
    expect(problems({ AUTH_ACCOUNT_FAILURES: "0" })).toHaveLength(1);
  });

  it("tells every problem at once", () => {
    const names = problems({ ADMIN_PASSWORD: "short", AUTH_ACCESS_TTL: "1", ENVIRONMENT: "moon" }).map(
      ({ name }) => name,
    );
    expect(names.sort()).toEqual(["ADMIN_PASSWORD", "AUTH_ACCESS_TTL", "ENVIRONMENT"]);
  });
});
