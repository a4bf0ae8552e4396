import { Code } from "@connectrpc/connect";
import { parseOptions } from "@node-rs/argon2";
import { describe, expect, it } from "vitest";
import { createPasswords } from "../../../services/auth/domain/passwords.js";

const never = new AbortController().signal;
const cheap = { concurrency: 2, waiting: 4, memoryKib: 64, passes: 1 };

describe("passwords", () => {
  it("are hashed by argon2id at the configured costs", async () => {
    const { hash } = await createPasswords({ ...cheap, memoryKib: 128, passes: 2 });
    const phc = await hash("correct horse");
    expect(phc).toMatch(/^\$argon2id\$v=19\$/);
    expect(parseOptions(phc)).toMatchObject({ memoryCost: 128, timeCost: 2, parallelism: 1, outputLen: 32 });
  });

  it("get another salt each time", async () => {
    const { hash } = await createPasswords(cheap);
    expect(await hash("correct horse")).not.toBe(await hash("correct horse"));
  });

  it("match their own hash and no other", async () => {
    const { hash, matches } = await createPasswords(cheap);
    const phc = await hash("correct horse");
    expect(await matches("correct horse", phc, never)).toBe(true);
    expect(await matches("correct horsf", phc, never)).toBe(false);
    expect(await matches("", phc, never)).toBe(false);
  });

  it("match however the keyboard composed them", async () => {
    const { hash, matches } = await createPasswords(cheap);
    expect(await matches("caf\u0065\u0301", await hash("caf\u00e9"), never)).toBe(true);
  });

  it("cost the same work for an account that does not exist, so that nobody can tell", async () => {
    const { matches } = await createPasswords({ ...cheap, concurrency: 1, waiting: 0 });
    const unknown = matches("a guess", undefined, never);
    await expect(matches("a guess", undefined, never)).rejects.toMatchObject({
      code: Code.ResourceExhausted,
    });
    expect(await unknown).toBe(false);
  });
});
