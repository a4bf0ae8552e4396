import fc from "fast-check";
import { expect, test } from "vitest";
import { compare, type Shares } from "./differential.js";

test("compiled codecs agree with protobuf-es on generated messages, and on tampered forms of them", () => {
  const shares: Shares = new Map();
  fc.assert(
    fc.property(fc.integer(), (seed) => compare(seed, shares)),
    { numRuns: 4_000 },
  );
  for (const [operation, { taken, all }] of shares) {
    expect(taken / all, `share that ${operation} takes`).toBeGreaterThan(0.8);
  }
}, 180_000);
