import { describe, expect, it } from "vitest";
import {
  createSeenTable,
  createSurpriseReader,
  noteSeen,
  surpriseFeatures,
} from "../../../../services/engine/domain/models/surprise.js";

const ordinary = "the shop opens at nine and closes at six and the bakery next to it opens at seven";
const strange = 'opposLY }] printf ShowTone "]( verr]] ** listing__ -- ;) Sure](giving TWO @{ expect %{';

function readings(text: string): number[][] {
  const table = createSeenTable();
  noteSeen(ordinary, table);
  const windows: number[][] = [];
  createSurpriseReader(table)(text, (features) => windows.push([...features]));
  return windows;
}

const at = (name: (typeof surpriseFeatures)[number]) => surpriseFeatures.indexOf(name);

describe("surprise", () => {
  it("is none in what was seen, and high in noise", () => {
    const [calm] = readings(ordinary);
    expect(calm?.[at("unseen words")]).toBe(0);
    expect(calm?.[at("unseen pairs")]).toBe(0);
    const noise = readings(strange);
    expect(Math.max(...noise.map((window) => window[at("unseen pairs")] as number))).toBeGreaterThan(0.9);
    expect(Math.max(...noise.map((window) => window[at("inner capitals")] as number))).toBeGreaterThan(0.1);
  });

  it("looks at the end of a text, wherever windows fall", () => {
    const last = readings(`${ordinary} ${ordinary} ${strange}`).at(-1);
    expect(last?.[at("signs")]).toBeGreaterThan(0.3);
  });

  it("takes addresses, handles and tags for nobody's words", () => {
    const [window] = readings(`${ordinary} @SomeOne #ShopTag https://Shop.Example/aB3?x=1`);
    expect(window?.[at("inner capitals")]).toBe(0);
  });

  it("says nothing about a few words", () => {
    expect(readings("hello there")).toEqual([]);
  });
});
