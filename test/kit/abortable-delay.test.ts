import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { boundedSignal } from "../../services/kit/abortable-delay.js";

describe("a bounded signal", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("aborts after its time and no sooner, for the reason that it was given", () => {
    const late = new Error("late");
    const { signal } = boundedSignal(100, new AbortController().signal, () => late);
    vi.advanceTimersByTime(99);
    expect(signal.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    expect(signal.reason).toBe(late);
  });

  it("aborts with what it is part of, now or from the start", () => {
    const parent = new AbortController();
    const { signal } = boundedSignal(100, parent.signal);
    parent.abort("gone");
    expect(signal.reason).toBe("gone");
    expect(boundedSignal(100, parent.signal).signal.reason).toBe("gone");
  });

  it("leaves its parent alone when it is ended by hand", () => {
    const parent = new AbortController();
    const { signal, abort } = boundedSignal(100, parent.signal);
    abort("done");
    expect([signal.reason, parent.signal.aborted]).toEqual(["done", false]);
  });

  it("leaves neither a listener nor a timer once released", () => {
    const parent = new AbortController();
    const { signal, release } = boundedSignal(100, parent.signal);
    release();
    expect(getEventListeners(parent.signal, "abort")).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    parent.abort();
    expect(signal.aborted).toBe(false);
  });
});
