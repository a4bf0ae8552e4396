import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { etagOf, requireEtag } from "../../services/kit/etag.js";
import { thrownBy } from "../support/expect-reason.js";

const state = fc.record({ id: fc.uuid(), version: fc.bigInt(1n, 2n ** 63n - 1n) });

describe("etag", () => {
  it("is short, opaque and the same for the same state", () => {
    fc.assert(
      fc.property(state, (one) => {
        expect(etagOf({ ...one })).toBe(etagOf(one));
        expect(etagOf(one)).toMatch(/^[A-Za-z0-9_-]{16}$/);
      }),
    );
  });

  it("differs for each version and each agent", () => {
    fc.assert(
      fc.property(state, fc.uuid(), (one, id) => {
        expect(etagOf({ ...one, version: one.version + 1n })).not.toBe(etagOf(one));
        if (id !== one.id) expect(etagOf({ ...one, id })).not.toBe(etagOf(one));
      }),
    );
  });

  it("admits the current etag and an empty one", () => {
    const current = { id: "a", version: 3n };
    expect(() => requireEtag(current, etagOf(current))).not.toThrow();
    expect(() => requireEtag(current, "")).not.toThrow();
  });

  it("refuses the etag of another state", () => {
    const current = { id: "a", version: 3n };
    const stale = etagOf({ id: "a", version: 2n });
    expect(thrownBy(() => requireEtag(current, stale))).toEqual({
      code: "Aborted",
      reason: "ETAG_MISMATCH",
      metadata: { id: "a" },
    });
  });
});
