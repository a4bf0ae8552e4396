import { describe, expect, it, vi } from "vitest";
import { createReadiness } from "../../../services/kit/serve/readiness.js";
import { eventually } from "../../support/until.js";

/** A clock that stands still until told otherwise. */
function manualClock() {
  let at = 0;
  const advance = (ms: number) => {
    at += ms;
  };
  return { advance, now: () => at, monotonic: () => at };
}

function setUp(options: { intervalMs?: number; timeoutMs?: number } = {}) {
  const clock = manualClock();
  const check = vi.fn((_: AbortSignal): Promise<void> => Promise.resolve());
  const dependencies = [{ name: "database", check }];
  return { clock, check, readiness: createReadiness({ dependencies, clock, cacheMs: 100, ...options }) };
}

describe("the state", () => {
  it("serves when every dependency answers, with the latency of each", async () => {
    const { readiness, clock, check } = setUp();
    check.mockImplementation(async () => clock.advance(7));
    expect(await readiness.state()).toEqual({
      serving: true,
      draining: false,
      dependencies: [{ name: "database", degrades: false, serving: true, latencyMs: 7 }],
    });
  });

  it("does not serve when a dependency fails, and keeps the cause", async () => {
    const { readiness, check } = setUp();
    const error = new Error("refused");
    check.mockRejectedValue(error);
    const { serving, dependencies } = await readiness.state();
    expect({ serving, dependencies }).toMatchObject({
      serving: false,
      dependencies: [{ serving: false, error }],
    });
  });

  it("serves without a dependency that only degrades it, and says so", async () => {
    const error = new Error("away");
    const dependencies = [{ name: "events", degrades: true, check: () => Promise.reject(error) }];
    const readiness = createReadiness({ dependencies, clock: manualClock() });
    expect(await readiness.state()).toMatchObject({
      serving: true,
      dependencies: [{ name: "events", degrades: true, serving: false, error }],
    });
  });

  it("survives a check that throws before it returns a promise", async () => {
    const { readiness, check } = setUp();
    check.mockImplementation(() => {
      throw new Error("at once");
    });
    expect((await readiness.state()).serving).toBe(false);
  });

  it("gives up on a dependency that does not answer, and tells it", async () => {
    const { readiness, check } = setUp({ timeoutMs: 10 });
    check.mockReturnValue(new Promise(() => undefined));
    const { dependencies } = await readiness.state();
    expect(String(dependencies[0]?.error)).toBe("Error: no answer within 10 ms");
    expect(check.mock.calls[0]?.[0].aborted).toBe(true);
  });

  it("asks once for many probes at the same time", async () => {
    const { readiness, check } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => readiness.state()));
    expect(check).toHaveBeenCalledTimes(1);
  });

  it("asks again when the answer is too old, and at once for a refresh", async () => {
    const { readiness, check, clock } = setUp();
    await readiness.state();
    clock.advance(99);
    await readiness.state();
    expect(check).toHaveBeenCalledTimes(1);
    clock.advance(1);
    await readiness.state();
    expect(check).toHaveBeenCalledTimes(2);
    await readiness.refresh();
    expect(check).toHaveBeenCalledTimes(3);
  });

  it("does not serve from a drain on, although every dependency answers", async () => {
    const { readiness } = setUp();
    await readiness.state();
    readiness.drain();
    expect(await readiness.state()).toMatchObject({ serving: false, draining: true });
  });

  it("does not wait for a dependency when it drains", async () => {
    const { readiness, check } = setUp();
    check.mockReturnValue(new Promise(() => undefined));
    const state = readiness.state();
    await eventually(() => expect(check).toHaveBeenCalled());
    readiness.drain();
    expect(await state).toMatchObject({ serving: false, draining: true });
  });
});

describe("changes", () => {
  it("yields the first state and then only changes", async () => {
    const { readiness, check, clock } = setUp({ intervalMs: 1 });
    const changes = readiness.changes(new AbortController().signal)[Symbol.asyncIterator]();
    expect((await changes.next()).value).toMatchObject({ serving: true });
    const change = changes.next();
    clock.advance(100);
    await eventually(() => expect(check).toHaveBeenCalledTimes(2));
    check.mockRejectedValue(new Error("gone"));
    clock.advance(100);
    expect((await change).value).toMatchObject({ serving: false, draining: false });
    await changes.return?.();
  });

  it("reports a drain at once and ends", async () => {
    const { readiness } = setUp({ intervalMs: 1_000_000 });
    const seen: boolean[] = [];
    for await (const { serving } of readiness.changes(new AbortController().signal)) {
      seen.push(serving);
      readiness.drain();
    }
    expect(seen).toEqual([true, false]);
  });

  it("ends when its signal aborts", async () => {
    const { readiness } = setUp({ intervalMs: 1_000_000 });
    const watcher = new AbortController();
    const changes = readiness.changes(watcher.signal)[Symbol.asyncIterator]();
    await changes.next();
    const end = changes.next();
    watcher.abort();
    expect((await end).done).toBe(true);
  });
});
