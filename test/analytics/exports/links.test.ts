import { describe, expect, it } from "vitest";
import { createDownloadLinks } from "../../../services/analytics/exports/links.js";
import { newId } from "../../../services/kit/ids.js";

const now = Date.parse("2026-03-01T12:00:00.000Z");
const links = createDownloadLinks(Buffer.alloc(32, 1));

/** What a link says. */
function partsOf(link: string) {
  const url = new URL(link, "http://platform");
  return {
    id: url.pathname.split("/").at(-2) ?? "",
    expires: BigInt(url.searchParams.get("expires") ?? ""),
    signature: url.searchParams.get("signature") ?? "",
  };
}

describe("a download link", () => {
  const { id, expires, signature } = partsOf(links.make(newId(), now + 60_000));

  it("is good until it ends, and not from then on", () => {
    expect(links.isGood(id, { expires, signature }, now + 59_999)).toBe(true);
    expect(links.isGood(id, { expires, signature }, now + 60_000)).toBe(false);
  });

  it("is not good with any character of its signature changed, left out or doubled", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=";
    for (let at = 0; at < signature.length; at += 1) {
      const [before, after] = [signature.slice(0, at), signature.slice(at + 1)];
      const others = [...alphabet].filter((character) => character !== signature[at]);
      const changed = [
        ...others.map((one) => before + one + after),
        before + after,
        before + signature[at] + signature.slice(at),
      ];
      const good = changed.filter(
        (one) => one !== signature && links.isGood(id, { expires, signature: one }, now),
      );
      expect(good).toEqual([]);
    }
    expect(links.isGood(id, { expires, signature: "" }, now)).toBe(false);
    expect(links.isGood(id, { expires, signature: `${signature}=` }, now)).toBe(false);
  });

  it("is not good with any bit of its id or its end changed", () => {
    const characters = [...id].map(
      (character, at) => id.slice(0, at) + (character === "0" ? "1" : "0") + id.slice(at + 1),
    );
    expect(characters.filter((one) => one !== id && links.isGood(one, { expires, signature }, now))).toEqual(
      [],
    );
    const ends = Array.from({ length: 64 }, (_, bit) => BigInt.asUintN(64, expires ^ (1n << BigInt(bit))));
    expect(ends.filter((one) => links.isGood(id, { expires: one, signature }, now))).toEqual([]);
  });

  it("is not good for another job, or under another secret", () => {
    expect(links.isGood(newId(), { expires, signature }, now)).toBe(false);
    expect(createDownloadLinks(Buffer.alloc(32, 2)).isGood(id, { expires, signature }, now)).toBe(false);
  });
});
