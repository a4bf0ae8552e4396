import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, configSource } from "../../../services/kit/config.js";
import { keyEncryptionKey, readKeyEncryptionKey } from "../../../services/kit/sealing/key-encryption-key.js";

const setting = "ANY_KEY_ENCRYPTION_KEY";
const key = Buffer.alloc(32, 3);

/** What is read, and the problems with it. */
function read(environment: Record<string, string>) {
  const source = configSource(environment);
  const value = readKeyEncryptionKey(source, setting);
  try {
    source.finish([]);
    return { value, problems: [] };
  } catch (error) {
    return { value, problems: error instanceof ConfigError ? error.problems : [] };
  }
}

describe("the setting of a key-encryption key", () => {
  it("may be left out in single deployments", () => {
    expect(read({})).toEqual({ value: undefined, problems: [] });
  });

  it("is needed where replicas share it", () => {
    const { problems } = read({ DEPLOYMENT: "replicated" });
    expect(problems).toMatchObject([{ name: setting, value: "" }]);
    expect(read({ DEPLOYMENT: "replicated", [setting]: key.toString("base64") }).value).toEqual(key);
  });

  it("is refused when it has not 32 bytes, without being shown", () => {
    expect(read({ [setting]: "c2hvcnQ=" }).problems).toMatchObject([{ name: setting, value: "(hidden)" }]);
  });
});

describe("a key-encryption key", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "sealing-"));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const place = (configured?: Uint8Array) => ({ setting, configured, directory, file: "any-key" });

  it("is the configured one, or one that stays in the data directory", async () => {
    expect(await keyEncryptionKey(place(key))).toBe(key);
    const made = await keyEncryptionKey(place());
    expect(made).toHaveLength(32);
    expect(await keyEncryptionKey(place())).toEqual(made);
  });

  it("is refused when the file holds none, by the name of the setting", async () => {
    await writeFile(join(directory, "any-key"), "broken");
    await expect(keyEncryptionKey(place())).rejects.toMatchObject({
      problems: [{ name: setting, value: "(hidden)" }],
    });
  });
});
