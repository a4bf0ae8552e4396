import { describe, expect, it } from "vitest";
import { hashPair, hashText } from "../../../../services/engine/domain/models/hash.js";

describe("hashing", () => {
  it.each([
    ["", 2_872_998_923],
    ["a", 444_641_715],
    ["hello", 2_290_972_270],
    ["ignore", 968_371_669],
    ["größe", 2_538_389_087],
    ["😀", 1_787_143_206],
  ])("gives %j its number, at training and at run time", (text, hash) => {
    expect(hashText(text)).toBe(hash);
  });

  it("tells a pair from its reverse", () => {
    expect(hashPair(hashText("kill"), hashText("process"))).toBe(2_465_565_901);
    expect(hashPair(hashText("process"), hashText("kill"))).not.toBe(
      hashPair(hashText("kill"), hashText("process")),
    );
  });
});
