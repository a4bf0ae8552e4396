import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../services/kit/ids.js";
import type { Cache, CacheKey } from "../../../services/kit/stores/cache/port.js";

/** A cache to test, whose clock `pass` moves on. */
export interface CacheUnderTest {
  readonly cache: Cache;
  pass(ms: number): Promise<void>;
}

/** What every cache promises. */
export function cacheContract(name: string, open: () => Promise<CacheUnderTest>): void {
  describe(`the cache ${name}`, () => {
    let cache: Cache;
    let pass: CacheUnderTest["pass"];
    beforeEach(async () => {
      ({ cache, pass } = await open());
    });
    afterEach(() => cache.close());

    const key = (over: Partial<CacheKey> = {}): CacheKey => ({
      tenant: "t1",
      group: `agent/${newId()}`,
      name: "knowledge.v1",
      ...over,
    });
    const bytes = Uint8Array.of(0, 1, 255);
    const put = async (at: CacheKey, value = bytes, freshMs = 60_000, staleMs = 0) => {
      const { generation } = await cache.read(at);
      await cache.write(at, value, { generation, freshMs, staleMs });
    };
    const get = async (at: CacheKey) => {
      const { value, fresh } = await cache.read(at);
      return { value: value && [...value], fresh };
    };
    const nothing = { value: undefined, fresh: false };

    it("answers that it does", async () => {
      await cache.ping();
    });

    it("finds nothing before a write, and the value after it", async () => {
      const at = key();
      expect(await get(at)).toEqual(nothing);
      await put(at);
      expect(await get(at)).toEqual({ value: [0, 1, 255], fresh: true });
    });

    it("keeps tenants, groups and names apart, whatever is in them", async () => {
      const at = key({ tenant: "a}", group: "b/c" });
      await put(at);
      const others = [
        { tenant: "b" },
        { group: "b" },
        { name: "knowledge.v2" },
        { tenant: "a}/b", group: "c" },
      ];
      for (const other of others) expect(await get({ ...at, ...other })).toEqual(nothing);
      expect((await get(at)).fresh).toBe(true);
    });

    it("says when a value is no longer fresh, and forgets it after that", async () => {
      const at = key();
      await put(at, bytes, 200, 300);
      expect((await get(at)).fresh).toBe(true);
      await pass(250);
      expect(await get(at)).toEqual({ value: [0, 1, 255], fresh: false });
      await pass(300);
      expect(await get(at)).toEqual(nothing);
    });

    it("forgets a group and no other", async () => {
      const [one, other] = [key(), key()];
      await put(one);
      await put({ ...one, name: "second" });
      await put(other);
      await cache.invalidate(one);
      expect(await get(one)).toEqual(nothing);
      expect(await get({ ...one, name: "second" })).toEqual(nothing);
      expect((await get(other)).fresh).toBe(true);
    });

    it("never shows what was loaded before a change and written after it", async () => {
      const at = key();
      const { generation } = await cache.read(at);
      await cache.invalidate(at);
      await cache.write(at, bytes, { generation, freshMs: 60_000, staleMs: 0 });
      expect(await get(at)).toEqual(nothing);
      await put(at, Uint8Array.of(7));
      expect(await get(at)).toEqual({ value: [7], fresh: true });
    });

    it("gives all who read at once one generation", async () => {
      const at = key();
      const reads = await Promise.all(Array.from({ length: 20 }, () => cache.read(at)));
      expect(new Set(reads.map(({ generation }) => generation)).size).toBe(1);
    });
  });
}
