import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Availability, availability } from "../../../../services/kit/stores/database/availability.js";

describe("availability of a server", () => {
  let server: Availability;
  let answers: boolean;
  let asked: number;
  let events: string[];
  beforeEach(() => {
    vi.useFakeTimers();
    answers = true;
    asked = 0;
    events = [];
    server = availability({
      probe: async () => {
        asked++;
        if (!answers) throw new Error("silence");
      },
      suspectMs: 500,
      retryMs: 200,
      clock: { now: Date.now, monotonic: () => performance.now() },
      onAway: () => events.push("away"),
      onBack: () => events.push("back"),
    });
  });
  afterEach(() => {
    server.close();
    vi.useRealTimers();
  });

  const hanging = () => void server.watch(new Promise(() => undefined));

  it("is not asked while work is quick", async () => {
    for (let i = 0; i < 10; i++) {
      await server.watch(Promise.resolve());
      await vi.advanceTimersByTimeAsync(400);
    }
    expect(asked).toBe(0);
  });

  it("is asked after silence, and is not away when it answers", async () => {
    hanging();
    await vi.advanceTimersByTimeAsync(2600);
    expect(asked).toBeGreaterThan(0);
    expect(server.away).toBeUndefined();
    expect(events).toEqual([]);
  });

  it("is not asked while it answers others", async () => {
    hanging();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(250);
      await server.watch(Promise.resolve());
    }
    expect(asked).toBe(0);
  });

  it("is away when it does not answer, is asked until it does, and is told of each once", async () => {
    answers = false;
    hanging();
    await vi.advanceTimersByTimeAsync(500);
    expect(server.away).toMatchObject({ cause: new Error("silence") });
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toBe(6);
    answers = true;
    await vi.advanceTimersByTimeAsync(200);
    expect(server.away).toBeUndefined();
    expect(events).toEqual(["away", "back"]);
  });

  it("is busy rather than away when others were answered while it was asked in vain", async () => {
    const { promise, fail } = pending();
    server.close();
    server = availability({
      probe: () => promise,
      suspectMs: 500,
      retryMs: 200,
      clock: { now: Date.now, monotonic: () => performance.now() },
      onAway: () => events.push("away"),
      onBack: () => events.push("back"),
    });
    hanging();
    await vi.advanceTimersByTimeAsync(600);
    await server.watch(Promise.resolve());
    fail(new Error("too slow"));
    await vi.advanceTimersByTimeAsync(0);
    expect([server.away, events]).toEqual([undefined, []]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(events).toEqual(["away"]);
  });

  it("is asked by one at a time, and by nobody once closed", async () => {
    server.suspect();
    server.suspect();
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toBe(1);
    server.close();
    server.suspect();
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toBe(1);
  });

  it("passes on what becomes of the work", async () => {
    expect(await server.watch(Promise.resolve(7))).toBe(7);
    await expect(server.watch(Promise.reject(new Error("mine")))).rejects.toThrow("mine");
  });
});

function pending() {
  let fail: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((_, reject) => {
    fail = reject;
  });
  return { promise, fail };
}
