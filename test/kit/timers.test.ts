import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTimers } from "../../services/kit/timers.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const tickMs = 4;

describe("a timing wheel", () => {
  it("fires each timer once, never early, and at most one tick late", () => {
    const durations = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(durations, (all) => {
        const timers = createTimers();
        const start = performance.now();
        const fired: [ms: number, after: number][] = [];
        for (const ms of all) timers.start(ms, () => fired.push([ms, performance.now() - start]));
        vi.advanceTimersByTime(20_000 + 2 * tickMs);
        expect(fired.map(([ms]) => ms).sort()).toEqual([...all].sort());
        for (const [ms, after] of fired) {
          expect(after).toBeGreaterThanOrEqual(ms);
          expect(after - ms).toBeLessThanOrEqual(tickMs);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("never fires what was stopped, also by another that fires with it", () => {
    const timers = createTimers();
    const fire = vi.fn();
    const first = timers.start(10, () => second.stop());
    const second = timers.start(10, fire);
    const third = timers.start(5_000, fire);
    third.stop();
    third.stop();
    vi.advanceTimersByTime(10_000);
    first.stop();
    expect(fire).not.toHaveBeenCalled();
  });

  it("fires what came due while the process was busy for longer than a revolution", () => {
    const timers = createTimers();
    const fired: number[] = [];
    for (const ms of [8, 4_200, 9_000, 60_000]) timers.start(ms, () => fired.push(ms));
    vi.setSystemTime(0);
    const busy = performance.now() + 30_000;
    vi.spyOn(performance, "now").mockReturnValue(busy);
    vi.advanceTimersToNextTimer();
    expect(fired.sort((a, b) => a - b)).toEqual([8, 4_200, 9_000]);
  });

  it("stands still while it is empty, and runs again", () => {
    const timers = createTimers();
    timers.start(100, () => undefined).stop();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(2 * tickMs);
    expect(vi.getTimerCount()).toBe(0);
    const fire = vi.fn();
    timers.start(100, fire);
    vi.advanceTimersByTime(100 + tickMs);
    expect(fire).toHaveBeenCalledOnce();
  });
});
