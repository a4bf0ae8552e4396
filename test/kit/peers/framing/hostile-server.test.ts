import fc from "fast-check";
import { describe, it } from "vitest";
import { hostility } from "./hostility.js";

describe("whatever a server sends, calls end once, nothing is thrown, and little is held:", () => {
  it.each(hostility)("%s", (_, property) => fc.assert(property, { numRuns: 60 }));
});
