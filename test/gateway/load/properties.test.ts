import fc from "fast-check";
import { expect, it } from "vitest";
import { anyRequest, anySubject } from "../transcode/any-request.js";
import { settledMegabytes } from "./memory.js";

const cases = 100_000;

it(`${cases} requests of any path, query, headers and body leave no failure and no memory behind`, async () => {
  const { check, statuses } = anySubject();
  // Codecs, descriptors and the compiler's own caches fill in the beginning.
  await fc.assert(fc.asyncProperty(anyRequest, check), { numRuns: 5000 });
  const before = await settledMegabytes();
  for (let done = 0; done < cases; done += 10_000) {
    // In parts, as a run keeps the values of all its cases.
    await fc.assert(fc.asyncProperty(anyRequest, check), { numRuns: 10_000 });
  }
  expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(cases + 5000);
  expect((await settledMegabytes()) - before).toBeLessThan(15);
});
