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

  it("take as long to refuse for an account that does not exist as for one that does", async () => {
    const { hash, matches } = await createPasswords({ ...cheap, memoryKib: 8192, passes: 3 });
    const phc = await hash("correct horse");
    const time = async (known: string | undefined) => {
      const runs: number[] = [];
      for (let i = 0; i < 7; i++) {
        const start = performance.now();
        expect(await matches("a guess", known, never)).toBe(false);
        runs.push(performance.now() - start);
      }
      return Math.min(...runs);
    };
    const [known, unknown] = [await time(phc), await time(undefined)];
    expect(unknown / known).toBeGreaterThan(0.5);
    expect(unknown / known).toBeLessThan(2);
  });
});
