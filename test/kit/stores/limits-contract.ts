import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { newId } from "../../../services/kit/ids.js";
import type { Limits } from "../../../services/kit/stores/limits/port.js";

/** Limits to test, whose clock `pass` moves on; `beginWindow` waits until a window of the length has just begun. */
export interface LimitsUnderTest {
  readonly limits: Limits;
  pass(ms: number): Promise<void>;
  beginWindow(ms: number): Promise<void>;
}

/** What all limits promise. */
export function limitsContract(name: string, open: () => Promise<LimitsUnderTest>): void {
  describe(`limits ${name}`, () => {
    let limits: Limits;
    let pass: LimitsUnderTest["pass"];
    let beginWindow: LimitsUnderTest["beginWindow"];
    let key: string;
    beforeEach(async () => {
      ({ limits, pass, beginWindow } = await open());
      key = newId();
    });
    afterEach(() => limits.close());

    it("answer that they do", async () => {
      await limits.ping();
    });

    it("allow as much as the limit at once, and then say when to come back", async () => {
      const request = { key, limit: 3, windowMs: 60_000 };
      const decisions = [];
      for (let call = 0; call < 4; call++) decisions.push(await limits.take(request));
      expect(decisions.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
      expect(decisions.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
      const refused = decisions[3];
      expect(refused?.retryAfterMs).toBeGreaterThan(15_000);
      expect(refused?.retryAfterMs).toBeLessThanOrEqual(20_000);
      expect(refused?.resetMs).toBeGreaterThan(55_000);
      expect(refused?.resetMs).toBeLessThanOrEqual(60_000);
    });

    it("free what was taken evenly", async () => {
      const request = { key, limit: 4, windowMs: 2_000, cost: 4 };
      expect((await limits.take(request)).allowed).toBe(true);
      expect((await limits.take({ ...request, cost: 1 })).allowed).toBe(false);
      await pass(600);
      expect((await limits.take({ ...request, cost: 1 })).allowed).toBe(true);
      expect((await limits.take({ ...request, cost: 1 })).allowed).toBe(false);
      await pass(2_100);
      expect((await limits.take(request)).allowed).toBe(true);
    });

    it("take nothing for what they refuse, and never allow more than the limit", async () => {
      const request = { key, limit: 5, windowMs: 60_000 };
      expect((await limits.take({ ...request, cost: 6 })).allowed).toBe(false);
      expect((await limits.take({ ...request, cost: 5 })).remaining).toBe(0);
    });

    it("count together whoever takes at once", async () => {
      const request = { key, limit: 10, windowMs: 60_000 };
      const decisions = await Promise.all(Array.from({ length: 50 }, () => limits.take(request)));
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(10);
    });

    it("count keys apart", async () => {
      const request = { key, limit: 1, windowMs: 60_000 };
      expect((await limits.take(request)).allowed).toBe(true);
      expect((await limits.take({ ...request, key: `${key}:other` })).allowed).toBe(true);
    });

    it("reserve from a quota, and give back what was not used, once", async () => {
      await beginWindow(60_000);
      const request = { key, limit: 100, windowMs: 60_000, amount: 60 };
      const first = await limits.reserve(request);
      expect(first).toMatchObject({ allowed: true, remaining: 40 });
      expect(first.resetMs).toBeGreaterThan(0);
      expect(await limits.reserve(request)).toMatchObject({ allowed: false, remaining: 40, reservation: "" });
      const settled = { key, reservation: first.reservation, used: 10 };
      await limits.settle(settled);
      await limits.settle(settled);
      expect(await limits.reserve({ ...request, amount: 90 })).toMatchObject({ allowed: true, remaining: 0 });
    });

    it("count what was used beyond the reservation", async () => {
      await beginWindow(60_000);
      const request = { key, limit: 100, windowMs: 60_000, amount: 10 };
      const { reservation } = await limits.reserve(request);
      await limits.settle({ key, reservation, used: 120 });
      expect(await limits.reserve(request)).toMatchObject({ allowed: false, remaining: 0 });
    });

    it("renew a quota with its window, whatever is settled late", async () => {
      await beginWindow(1_000);
      const request = { key, limit: 10, windowMs: 1_000, amount: 10 };
      const { reservation } = await limits.reserve(request);
      expect((await limits.reserve(request)).allowed).toBe(false);
      await pass(1_010);
      await beginWindow(1_000);
      expect((await limits.reserve({ ...request, amount: 4 })).remaining).toBe(6);
      await limits.settle({ key, reservation, used: 0 });
      expect(await limits.reserve({ ...request, amount: 7 })).toMatchObject({ allowed: false, remaining: 6 });
    });

    it("take from two rates together, and from none when one refuses", async () => {
      const wide = { key: `{${key}} wide`, limit: 100, windowMs: 60_000 };
      const narrow = { key: `{${key}} narrow`, limit: 2, windowMs: 60_000 };
      const taken = [await limits.takeBoth([wide, narrow]), await limits.takeBoth([wide, narrow])];
      expect(taken.map(([one, other]) => [one.remaining, other.remaining])).toEqual([
        [99, 1],
        [98, 0],
      ]);
      const [passed, refused] = await limits.takeBoth([wide, narrow]);
      expect(passed).toMatchObject({ allowed: true, remaining: 98, retryAfterMs: 0 });
      expect(refused).toMatchObject({ allowed: false, remaining: 0 });
      expect(refused.retryAfterMs).toBeGreaterThan(25_000);
      const [first, second] = await limits.takeBoth([narrow, wide]);
      expect([first.allowed, second.allowed]).toEqual([false, true]);
      expect((await limits.take(wide)).remaining).toBe(97);
    });

    it("tell what is left of a rate without taking any of it", async () => {
      const request = { key, limit: 5, windowMs: 60_000 };
      expect(await limits.take({ ...request, cost: 0 })).toMatchObject({ remaining: 5, resetMs: 0 });
      await limits.take(request);
      for (let asked = 0; asked < 3; asked++) {
        expect(await limits.take({ ...request, cost: 0 })).toMatchObject({ allowed: true, remaining: 4 });
      }
    });

    it("tell what is used of a quota without taking any of it", async () => {
      await beginWindow(60_000);
      const request = { key, limit: 10, windowMs: 60_000, amount: 4 };
      expect((await limits.usedOf(request)).used).toBe(0);
      const { reservation, resetMs } = await limits.reserve(request);
      const use = await limits.usedOf(request);
      expect(use.used).toBe(4);
      expect(use.resetMs).toBeGreaterThan(resetMs - 2_000);
      expect(use.resetMs).toBeLessThanOrEqual(resetMs);
      await limits.settle({ key, reservation, used: 0 });
      expect((await limits.usedOf(request)).used).toBe(0);
    });

    it("give as many places as there are, and another when one is left", async () => {
      const request = { key, limit: 2, ttlMs: 60_000 };
      const first = await limits.enter(request);
      expect(first).toMatchObject({ allowed: true, taken: 1 });
      expect(await limits.enter(request)).toMatchObject({ allowed: true, taken: 2 });
      expect(await limits.enter(request)).toEqual({ allowed: false, taken: 2, place: "" });
      expect(await limits.placesTaken(key)).toBe(2);
      await limits.leave({ key, place: first.place });
      await limits.leave({ key, place: first.place });
      expect(await limits.placesTaken(key)).toBe(1);
      expect(await limits.enter(request)).toMatchObject({ allowed: true, taken: 2 });
    });

    it("give no more places than there are to whoever enters at once", async () => {
      const request = { key, limit: 10, ttlMs: 60_000 };
      const decisions = await Promise.all(Array.from({ length: 50 }, () => limits.enter(request)));
      expect(decisions.filter(({ allowed }) => allowed)).toHaveLength(10);
      expect(new Set(decisions.map(({ place }) => place)).size).toBe(11);
    });

    it("count places of keys apart", async () => {
      const request = { key, limit: 1, ttlMs: 60_000 };
      expect((await limits.enter(request)).allowed).toBe(true);
      expect((await limits.enter({ ...request, key: `${key}:other` })).allowed).toBe(true);
      expect(await limits.placesTaken(`${key}:none`)).toBe(0);
    });

    it("free a place that nobody keeps, and hold one that is kept", async () => {
      const request = { key, limit: 2, ttlMs: 1_000 };
      const kept = await limits.enter(request);
      await limits.enter(request);
      await pass(600);
      await limits.keep({ key, place: kept.place, ttlMs: 1_000 });
      expect(await limits.placesTaken(key)).toBe(2);
      await pass(600);
      expect(await limits.placesTaken(key)).toBe(1);
      expect(await limits.enter(request)).toMatchObject({ allowed: true, taken: 2 });
      expect((await limits.enter(request)).allowed).toBe(false);
    });

    it("hold a place again that was lost to its keeper", async () => {
      const request = { key, limit: 1, ttlMs: 200 };
      const { place } = await limits.enter(request);
      await pass(300);
      expect(await limits.placesTaken(key)).toBe(0);
      await limits.keep({ key, place, ttlMs: 60_000 });
      expect((await limits.enter(request)).allowed).toBe(false);
    });
  });
}
