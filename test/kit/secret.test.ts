import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError, configSource } from "../../services/kit/config.js";
import { readSecret } from "../../services/kit/secret.js";

describe("secrets", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "secret-"));
    await writeFile(join(directory, "token"), "from a file\n");
    await writeFile(join(directory, "empty"), "\n");
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const read = (environment: Record<string, string>) => {
    const source = configSource(environment);
    const secret = readSecret(source, "TOKEN");
    source.finish();
    return secret;
  };
  const refusal = (environment: Record<string, string>) => {
    try {
      read(environment);
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      return (error as Error).message;
    }
    return expect.fail("should have refused");
  };

  it("come from the environment, or from a file without its line end, or are absent", () => {
    expect(read({ TOKEN: "given" })).toBe("given");
    expect(read({ TOKEN_FILE: join(directory, "token") })).toBe("from a file");
    expect(read({})).toBeUndefined();
  });

  it("are refused when given twice, without being shown", () => {
    const message = refusal({ TOKEN: "given", TOKEN_FILE: join(directory, "token") });
    expect(message).toContain("TOKEN_FILE=");
    expect(message).toContain("expected nothing, since TOKEN is given too");
    expect(message).not.toContain("given\n");
    expect(message).not.toContain("from a file");
  });

  it("are refused when their file is not there or empty", () => {
    const expected = "expected a readable file that is not empty";
    expect(refusal({ TOKEN_FILE: join(directory, "missing") })).toContain(expected);
    expect(refusal({ TOKEN_FILE: join(directory, "empty") })).toContain(expected);
  });
});
