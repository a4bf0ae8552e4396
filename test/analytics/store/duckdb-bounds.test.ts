import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDuckdb } from "../../../services/analytics/store/duckdb/store.js";
import type { ColumnStore } from "../../../services/analytics/store/port.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { bareDecision } from "./decisions.js";
import { allOf, planOf } from "./plans.js";
import { broad, endless, greedy, heavyBatch } from "./runaway.js";

const long = { timeMs: 60_000, groups: 10_000_000 };

describe("DuckDB beside a runaway query", () => {
  let store: ColumnStore;
  beforeAll(async () => {
    store = await openDuckdb({ memoryMb: 4096, maxValues: 100_000, concurrency: 1, queueLimit: 1 });
    await store.append(heavyBatch("heavy"));
    await store.append({ decisions: [bareDecision({ tenantId: "t", decisionId: "d" })], labels: [] });
  });
  afterAll(() => store.close());

  const counted = () => store.query(planOf(allOf("t"), [], [{ name: "n", kind: "count" }]), long);

  it("ends it after its time, and answers the next", async () => {
    expect(await rejectedBy(store.query(endless("heavy"), { ...long, timeMs: 50 }))).toEqual({
      code: "FailedPrecondition",
      reason: "QUERY_TOO_EXPENSIVE",
      metadata: { bound: "0.05 s" },
    });
    expect(await counted()).toEqual([[1]]);
  });

  it("ends it when it takes more memory than there is, and answers the next", async () => {
    const small = await openDuckdb({ memoryMb: 48 });
    await small.append(heavyBatch("heavy"));
    expect(await rejectedBy(small.query(broad("heavy"), long))).toEqual({
      code: "FailedPrecondition",
      reason: "QUERY_TOO_EXPENSIVE",
      metadata: { bound: "48 MB of memory" },
    });
    expect(await small.count(allOf("heavy"))).toBe(20);
    await small.close();
  });

  it("ends it when its percentiles have more values than are kept", async () => {
    expect(await rejectedBy(store.query(greedy("heavy"), long))).toEqual({
      code: "FailedPrecondition",
      reason: "QUERY_TOO_EXPENSIVE",
      metadata: { bound: "100000 decisions for so many percentiles" },
    });
  });

  it("ends it when its caller leaves", async () => {
    const caller = new AbortController();
    const left = expect(store.query(endless("heavy"), long, caller.signal)).rejects.toThrow("left");
    setImmediate(() => caller.abort(new Error("left")));
    await left;
  });

  it("keeps what comes, lets one query wait and refuses the next", async () => {
    const caller = new AbortController();
    const running = expect(store.query(endless("heavy"), long, caller.signal)).rejects.toThrow("left");
    const waiting = counted();
    expect(await rejectedBy(counted())).toMatchObject({ code: "Unavailable", reason: "OVERLOADED" });
    await store.append({ decisions: [bareDecision({ tenantId: "t", decisionId: "e" })], labels: [] });
    await store.ping(AbortSignal.timeout(20_000));
    caller.abort(new Error("left"));
    await running;
    expect(await waiting).toEqual([[2]]);
  });

  it("ends it when it is closed", async () => {
    const other = await openDuckdb();
    await other.append(heavyBatch("heavy"));
    const running = rejectedBy(other.query(endless("heavy"), long));
    await other.close();
    expect(await running).toMatchObject({ reason: "DEPENDENCY_UNAVAILABLE" });
    expect(await rejectedBy(other.count(allOf("t")))).toMatchObject({ reason: "DEPENDENCY_UNAVAILABLE" });
  });
});
