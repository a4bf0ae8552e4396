import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { defaults, readConfig } from "../../services/engine/config.js";
import { configSource } from "../../services/kit/config.js";

const provider = { id: "local", base_url: "https://llm.example/v1/", model: "small", api_key: "secret-key" };
const { api_key: _, ...unkeyed } = provider;
const read = (environment: Record<string, string>) => {
  const source = configSource(environment);
  const config = readConfig(source);
  source.finish();
  return config;
};

describe("configuration of the engine", () => {
  it("is as shipped unless told otherwise", () => {
    expect(read({})).toEqual(defaults);
    expect(defaults).toMatchObject({ qualityThreshold: 0.5, ethicalStrictness: 0.9, reflectionDepth: 3 });
  });

  it("takes thresholds, some budgets and providers", () => {
    const config = read({
      ENGINE_QUALITY_THRESHOLD: "0.7",
      ENGINE_STAGE_BUDGETS_MS: '{"screen_input": 50}',
      ENGINE_PROVIDERS: JSON.stringify([provider]),
    });
    expect(config.qualityThreshold).toBe(0.7);
    expect(config.budgets).toEqual({ ...defaults.budgets, screen_input: 50 });
    expect(config.providers.get("local")).toMatchObject({
      baseUrl: "https://llm.example/v1",
      apiKey: "secret-key",
      connectTimeoutMs: 2_000,
      firstByteTimeoutMs: 15_000,
      timeoutMs: 15_000,
      retries: 2,
      prices: undefined,
    });
  });

  it("takes a provider for the judge, with its own time and what its word does", () => {
    const judged = (judge: object) =>
      read({ ENGINE_PROVIDERS: JSON.stringify([provider]), ENGINE_LLM_JUDGE: JSON.stringify(judge) })
        .llmJudge;
    expect(judged({ provider: "local" })).toMatchObject({
      provider: { id: "local", model: "small", apiKey: "secret-key", timeoutMs: 3_000, retries: 2 },
      when: "uncertain",
      scopes: new Set([Scope.INPUT, Scope.OUTPUT, Scope.TOOL_CALL]),
      failsClosed: false,
      thresholds: { blockFrom: 0.9, lowerFrom: 0.8 },
      keptMs: 3_600_000,
    });
    const all = { when: "always", scopes: ["EVIDENCE"], failure_mode: "closed", timeout_ms: 500 };
    const other = { block_from: 0.7, lower_from: 1, cache_seconds: 0 };
    expect(judged({ provider: "local", ...all, ...other })).toMatchObject({
      provider: { timeoutMs: 500 },
      when: "always",
      scopes: new Set([Scope.EVIDENCE]),
      failsClosed: true,
      thresholds: { blockFrom: 0.7, lowerFrom: 1 },
      keptMs: 0,
    });
  });

  it.each<[string, object]>([
    ["no provider", {}],
    ["a provider that there is not", { provider: "other" }],
    ["a time of day", { provider: "local", when: "often" }],
    ["no scopes", { provider: "local", scopes: [] }],
    ["an unknown scope", { provider: "local", scopes: ["INPUT", "UNSPECIFIED"] }],
    ["an unknown failure mode", { provider: "local", failure_mode: "ajar" }],
    ["no time", { provider: "local", timeout_ms: 0 }],
    ["more time than a stage may take", { provider: "local", timeout_ms: 4_001 }],
    ["a threshold beyond 1", { provider: "local", block_from: 1.1 }],
    ["a threshold in words", { provider: "local", lower_from: "0.8" }],
    ["opinions older than a day", { provider: "local", cache_seconds: 86_401 }],
    ["what it does not know", { provider: "local", tiemout_ms: 5 }],
  ])("refuses a judge with %s, and shows no key", (_, judge) => {
    const given = {
      ENGINE_PROVIDERS: JSON.stringify([provider]),
      ENGINE_LLM_JUDGE: JSON.stringify(judge),
    };
    expect(() => read(given)).toThrow("ENGINE_LLM_JUDGE");
    expect(() => read(given)).not.toThrow("secret-key");
  });

  it("takes a provider's key from a file, and its prices", () => {
    const file = fileURLToPath(new URL("fixture.ts", import.meta.url));
    expect(() => read({ ENGINE_PROVIDERS: JSON.stringify([{ ...unkeyed, api_key_file: file }]) })).toThrow();
    const directory = mkdtempSync(join(tmpdir(), "provider-key-"));
    const keyFile = join(directory, "key");
    writeFileSync(keyFile, "key-of-file\n");
    const prices = { input: 0.15, output: 0.6 };
    const one = { ...unkeyed, api_key_file: keyFile, prices };
    expect(read({ ENGINE_PROVIDERS: JSON.stringify([one]) }).providers.get("local")).toMatchObject({
      apiKey: "key-of-file",
      prices: { inputPerMillion: 0.15, outputPerMillion: 0.6 },
    });
    rmSync(directory, { recursive: true });
  });

  it("takes what pseudonyms are kept under, and how long, and needs the key where replicas share it", () => {
    const key = Buffer.alloc(32, 7);
    const given = { ENGINE_KEY_ENCRYPTION_KEY: key.toString("base64"), ENGINE_PSEUDONYM_DAYS: "7" };
    expect(read({ ...given, DEPLOYMENT: "replicated" })).toMatchObject({
      keyEncryptionKey: key,
      pseudonymDays: 7,
    });
    expect(() => read({ DEPLOYMENT: "replicated" })).toThrow("ENGINE_KEY_ENCRYPTION_KEY");
    expect(() => read({ ENGINE_KEY_ENCRYPTION_KEY: "c2hvcnQ=" })).toThrow("(hidden)");
  });

  it.each([
    ["ENGINE_PSEUDONYM_DAYS", "0"],
    ["ENGINE_ETHICAL_STRICTNESS", "1.5"],
    ["ENGINE_REFLECTION_DEPTH", "4"],
    ["ENGINE_STAGE_BUDGETS_MS", '{"dance": 5}'],
    ["ENGINE_STAGE_BUDGETS_MS", '{"mask": "5"}'],
    ["ENGINE_STAGE_BUDGETS_MS", "[]"],
    ["ENGINE_PROVIDERS", "{}"],
    ["ENGINE_PROVIDERS", "[7]"],
    ["ENGINE_PROVIDERS", JSON.stringify([provider, provider])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, id: "No" }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, base_url: "file:///etc" }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, model: "" }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, api_key: 5 }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, api_key: "two\nlines" }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, api_key_file: "/dev/null" }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, connect_timeout_ms: 0 }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, first_byte_timeout_ms: "5" }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, prices: { input: 1 } }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, retries: 50 }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, most_bytes: 0 }])],
    ["ENGINE_PROVIDERS", JSON.stringify([{ ...provider, tiemout_ms: 5 }])],
  ])("refuses %s=%s, and shows no key", (name, value) => {
    expect(() => read({ [name]: value })).toThrow(name);
    expect(() => read({ [name]: value })).not.toThrow("secret-key");
  });
});
