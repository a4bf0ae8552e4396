import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codings, negotiateCoding } from "../../../services/gateway/edge/accept-encoding.js";

describe("the coding for an Accept-Encoding", () => {
  it.each([
    [undefined, undefined],
    ["", undefined],
    ["identity", undefined],
    ["gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["GZIP", "gzip"],
    ["br", "br"],
    ["gzip, deflate, br", "br"],
    ["gzip;q=1.0, br;q=0.8", "gzip"],
    ["gzip ; q=0.5,br ;q=0.501", "br"],
    ["br;q=0, gzip", "gzip"],
    ["br;q=0, *", "gzip"],
    ["*", "br"],
    ["*;q=0", undefined],
    ["gzip;q=0.5, identity", undefined],
    ["gzip;q=0.5, *;q=0.4", "gzip"],
    ["identity;q=0.5, gzip;q=0.5", "gzip"],
    ["gzip;q=0, identity;q=0", undefined],
    ["gzip;q=2", undefined],
    ["gzip;q=0.1234", undefined],
    ["gzip;level=9", undefined],
    ["deflate, zstd", undefined],
    [",,gzip,,", "gzip"],
  ])("%j is %s", (header, coding) => {
    expect(negotiateCoding(header)).toBe(coding);
  });

  it("is one that the header accepts, of no less weight than any other of ours", () => {
    const name = fc.constantFrom(...codings, "identity", "deflate", "*");
    const weight = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000);
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, weight), { selector: ([one]) => one }), (elements) => {
        const chosen = negotiateCoding(elements.map(([one, q]) => `${one};q=${q}`).join(", "));
        const given = new Map<string, number>(elements);
        const weightOf = (one: string) => given.get(one) ?? given.get("*") ?? 0;
        const greatest = Math.max(0, ...codings.map(weightOf));
        if (chosen) expect(weightOf(chosen)).toBe(greatest);
        else expect(greatest === 0 || greatest < weightOf("identity")).toBe(true);
      }),
    );
  });

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (header) => void negotiateCoding(header)));
  });
});
