import fc from "fast-check";
import { describe, it } from "vitest";
import { hostility } from "../kit/peers/framing/hostility.js";

const runs = 3_000;

describe(`whatever a server sends, in ${runs} forms, calls end once, nothing is thrown, and little is held:`, () => {
  it.each(hostility)("%s", (_, property) => fc.assert(property, { numRuns: runs }));
});
