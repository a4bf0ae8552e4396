import { describe, expect, it } from "vitest";
import { FeatureReader } from "../../../../services/engine/domain/models/features.js";
import { classHash, classOf } from "../../../../services/engine/domain/models/word-classes.js";
import { hashWord } from "../../../../services/engine/domain/models/word-hash.js";

const of = (word: string) => classOf(hashWord(word, 0, word.length));

describe("classes of words", () => {
  it.each([
    ["pistol", "rifles"],
    ["stabbing", "murdered"],
    ["prevents", "protecting"],
    ["neighbour", "roommates"],
  ])("hold %s and %s together", (one, other) => {
    expect(of(one)).toBeGreaterThan(0);
    expect(of(one)).toBe(of(other));
  });

  it.each([
    ["pistol", "prevent"],
    ["ignore", "recipe"],
  ])("keep %s and %s apart", (one, other) => {
    expect(of(one)).not.toBe(of(other));
  });

  it("leave other words alone", () => {
    expect(of("umbrella")).toBe(0);
  });

  it("are features of a text, alone and in pairs near each other", () => {
    const words = (text: string) => {
      const { buckets, start, end } = new FeatureReader().read(text).document.words;
      return new Set(buckets.subarray(start, end));
    };
    const shared = [...words("stab a roommate")].filter((bucket) => words("shoot my neighbour").has(bucket));
    expect(shared).toContain(classHash(of("stab")) & 0xffff);
    expect(shared.length).toBe(3);
  });
});
