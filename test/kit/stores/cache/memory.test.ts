import { expect, it } from "vitest";
import { memoryCache } from "../../../../services/kit/stores/cache/memory.js";
import { cacheContract } from "../cache-contract.js";

function clocked(options: { mostBytes?: number; mostGroups?: number } = {}) {
  let time = 1_000;
  const clock = { now: () => time, monotonic: () => time };
  const cache = memoryCache({ clock, ...options });
  return {
    cache,
    pass: async (ms: number) => {
      time += ms;
    },
  };
}

cacheContract("in memory", async () => clocked());

it("the cache in memory is bounded: the least recently read goes first", async () => {
  const { cache } = clocked({ mostBytes: 1_000 });
  const at = (name: string) => ({ tenant: "t", group: "g", name });
  const { generation } = await cache.read(at("a"));
  const life = { generation, freshMs: 60_000, staleMs: 0 };
  for (const name of ["a", "b"]) await cache.write(at(name), new Uint8Array(250), life);
  await cache.read(at("a"));
  await cache.write(at("c"), new Uint8Array(250), life);
  const kept = await Promise.all(["a", "b", "c"].map(async (name) => (await cache.read(at(name))).fresh));
  expect(kept).toEqual([true, false, true]);
});

it("the cache in memory never shows a value of a generation that it has forgotten", async () => {
  const { cache } = clocked({ mostGroups: 1 });
  const at = { tenant: "t", group: "g", name: "a" };
  const { generation } = await cache.read(at);
  await cache.write(at, Uint8Array.of(1), { generation, freshMs: 60_000, staleMs: 0 });
  await cache.read({ ...at, group: "another" });
  expect((await cache.read(at)).value).toBeUndefined();
});
