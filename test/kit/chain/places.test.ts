import { Code, type StreamResponse } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import type { Layer } from "../../../services/kit/chain/chain.js";
import { rateLimit } from "../../../services/kit/chain/rate-limit.js";
import { errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import type { Limits } from "../../../services/kit/stores/limits/port.js";
import { ada } from "../tokens/forge.js";
import { expectRefusal, getAgent, messagesOf, pass, requestOf, watch } from "./calls.js";
import { nothingShared, quotasWith } from "./tier-config.js";

const eve = { ...ada, tier: Tier.ENTERPRISE };
const key = "{t1 u1} concurrency";

/** Timers that fire when they are told to. */
function manualTimers() {
  const running = new Set<() => void>();
  return {
    running,
    start(_ms: number, fire: () => void) {
      const once = () => {
        running.delete(once);
        fire();
      };
      running.add(once);
      return { stop: () => void running.delete(once) };
    },
    fire() {
      for (const one of [...running]) one();
    },
  };
}

describe("the ceiling of calls in progress", () => {
  let now: number;
  let limits: Limits;
  let layer: Layer;
  let timers: ReturnType<typeof manualTimers>;

  const bound = (concurrent: number, together?: number, shares: Limits = limits) =>
    rateLimit({
      limits: shares,
      rates: { perMinute: 1000, signInPerMinute: 1 },
      quotas: quotasWith({ enterprise: { concurrent } }, () => ({
        ...nothingShared,
        ceiling: together === undefined ? undefined : { name: "tenant-concurrency", most: together },
      })),
      timers,
    });
  beforeEach(() => {
    now = Date.parse("2026-01-01T00:00:00Z");
    limits = memoryLimits({ clock: { now: () => now, monotonic: () => now } });
    timers = manualTimers();
    layer = bound(2);
  });

  /** The contract has no stream that is counted. */
  const rated: Layer = (contract) => layer({ ...contract, rate: RateClass.READ });
  /** A call that its handler ends when told. */
  const begin = (principal = eve) => {
    let end: (error?: Error) => void = () => undefined;
    const handled = new Promise<object>((resolve, reject) => {
      end = (error) => (error ? reject(error) : resolve({}));
    });
    const answer = pass([layer], requestOf(getAgent, { call: { principal } }), () => handled);
    answer.catch(() => undefined);
    return { answer, end };
  };
  const stream = (principal = eve, signal?: AbortSignal) =>
    pass([rated], requestOf(watch, { call: { principal }, ...(signal && { signal }) }), async function* () {
      yield {};
      yield {};
    }) as Promise<StreamResponse>;
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it("lets as many calls be in progress as the tier allows, and refuses the next", async () => {
    const calls = [begin(), begin()];
    await settled();
    const refusal = await expectRefusal(begin().answer, Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    expect(refusal.rawMessage).toBe(
      "2 calls are in progress, as many as are allowed at once. Try again when one has ended.",
    );
    expect(refusal.metadata.get("ratelimit")).toBe('"concurrency";r=0');
    expect(refusal.metadata.get("ratelimit-policy")).toContain('"concurrency";q=2;qu="concurrent-requests"');
    expect(refusal.metadata.get("retry-after")).toBe("1");
    expect(refusal.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
    for (const { end } of calls) end();
    for (const { answer } of calls) await answer;
    expect(await limits.placesTaken(key)).toBe(0);
  });

  it.each([
    ["it has ended", undefined],
    ["it has failed", errors.internal()],
    ["it was refused further in", errors.overloaded({ workload: "gateway", limit: 1 })],
  ])("lets another call in when %s", async (_, error) => {
    layer = bound(1);
    const first = begin();
    await settled();
    await expectRefusal(begin().answer, Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    first.end(error);
    await first.answer.catch(() => undefined);
    const next = begin();
    next.end();
    await next.answer;
  });

  it("does not bound tiers that have none", async () => {
    const calls = Array.from({ length: 10 }, () => begin(ada));
    await settled();
    for (const { end } of calls) end();
    const [first] = await Promise.all(calls.map(({ answer }) => answer));
    expect(first?.header.get("ratelimit-policy")).toBe('"burst";q=1000;w=1, "minute";q=1000;w=60');
    expect(timers.running.size).toBe(0);
  });

  it("counts accounts apart, and those of one tenant together where it has a ceiling", async () => {
    layer = bound(2, 3);
    const bob = { ...eve, subject: "u2" };
    const calls = [begin(), begin(), begin(bob)];
    await settled();
    const refusal = await expectRefusal(begin(bob).answer, Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    expect(refusal.metadata.get("ratelimit")).toBe('"tenant-concurrency";r=0');
    // What was refused by the tenant's left its own place.
    expect(await limits.placesTaken("{t1 u2} concurrency")).toBe(1);
    const elsewhere = begin({ ...bob, home: "t2", tenant: "t2" });
    elsewhere.end();
    await elsewhere.answer;
    for (const { end } of calls) end();
    await Promise.all(calls.map(({ answer }) => answer));
    expect(await limits.placesTaken("{t1} tenant-concurrency")).toBe(0);
  });

  it("takes no unit of a quota for a call that it refuses", async () => {
    const quotas = quotasWith({ enterprise: { concurrent: 1, requestsPerHour: 10 } });
    layer = rateLimit({ limits, rates: { perMinute: 9, signInPerMinute: 1 }, quotas, timers });
    const first = begin();
    await settled();
    await expectRefusal(begin().answer, Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    expect((await limits.usedOf({ key: "{t1 u1} quota", windowMs: 3_600_000 })).used).toBe(1);
    first.end();
    await first.answer;
  });

  it("leaves the place of a call that a quota refuses", async () => {
    const quotas = quotasWith({ enterprise: { concurrent: 5, requestsPerHour: 1 } });
    layer = rateLimit({ limits, rates: { perMinute: 9, signInPerMinute: 1 }, quotas, timers });
    const first = begin();
    first.end();
    await first.answer;
    await expectRefusal(begin().answer, Code.ResourceExhausted, "QUOTA_EXHAUSTED");
    expect(await limits.placesTaken(key)).toBe(0);
  });

  it("holds the place of a stream until its last message", async () => {
    layer = bound(1);
    const open = await stream();
    const iterator = open.message[Symbol.asyncIterator]();
    await iterator.next();
    await expectRefusal(stream(), Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    while (!(await iterator.next()).done);
    expect(await limits.placesTaken(key)).toBe(0);
    expect(await messagesOf(await stream())).toHaveLength(2);
  });

  it("leaves the place of a stream whose reader goes away", async () => {
    layer = bound(1);
    const gone = new AbortController();
    await stream(eve, gone.signal);
    expect(await limits.placesTaken(key)).toBe(1);
    gone.abort();
    await settled();
    expect(await limits.placesTaken(key)).toBe(0);
  });

  it("keeps the place of a call that takes long, and no place of one that has ended", async () => {
    layer = bound(1);
    const long = begin();
    await settled();
    for (let kept = 0; kept < 5; kept++) {
      now += 10_000;
      timers.fire();
      await settled();
    }
    await expectRefusal(begin().answer, Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    long.end();
    await long.answer;
    expect(timers.running.size).toBe(0);
    expect(await limits.placesTaken(key)).toBe(0);
  });

  it("keeps the places of all that are in progress, in whatever order they end", async () => {
    layer = bound(9);
    const calls = Array.from({ length: 6 }, () => begin());
    await settled();
    let left = calls.length;
    for (const at of [2, 5, 0, 4, 1, 3]) {
      calls[at]!.end();
      await calls[at]!.answer;
      left -= 1;
      for (let kept = 0; kept < 2; kept++) {
        now += 10_000;
        timers.fire();
      }
      expect(await limits.placesTaken(key)).toBe(left);
    }
    expect(timers.running.size).toBe(0);
  });

  it("is free of what a replica held that crashed, once that was not kept for a while", async () => {
    layer = bound(1);
    begin();
    await settled();
    await expectRefusal(begin().answer, Code.ResourceExhausted, "CONCURRENCY_EXHAUSTED");
    now += 15_001;
    const next = begin();
    next.end();
    await next.answer;
  });

  it("lets nothing pass while it cannot count", async () => {
    const enter = () => Promise.reject(errors.dependencyUnavailable({ dependency: "d" }));
    layer = bound(1, undefined, { ...limits, enter });
    const refusal = await expectRefusal(begin().answer, Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    expect(refusal.metadata.get("retry-after")).toBe("1");
  });

  it("does not fail a call whose place can be neither kept nor left", async () => {
    const away = () => Promise.reject(errors.dependencyUnavailable({ dependency: "d" }));
    layer = bound(1, undefined, { ...limits, keep: away, leave: away });
    const call = begin();
    await settled();
    timers.fire();
    call.end();
    await call.answer;
  });
});
