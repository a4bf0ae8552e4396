import { describe, expect, it } from "vitest";
import { gather } from "../../../services/analytics/ingest/gather.js";
import { errors } from "../../../services/kit/errors.js";
import { manualTimers, settled } from "../../support/manual-timers.js";

/** A keeper that keeps when the test says so, and refuses odd ones. */
function keeper() {
  const batches: (readonly string[])[] = [];
  const kept: string[] = [];
  let held: (() => void)[] | undefined;
  let away = false;
  return {
    batches,
    kept,
    hold() {
      held = [];
    },
    release: () => {
      const waiting = held ?? [];
      held = undefined;
      for (const go of waiting) go();
    },
    setAway(value: boolean) {
      away = value;
    },
    async keep(things: readonly string[]) {
      batches.push(things);
      await new Promise<void>((resolve) => (held ? held.push(resolve) : resolve()));
      if (away) throw errors.dependencyUnavailable({ dependency: "The store" });
      if (things.some((thing) => thing.startsWith("odd"))) throw new Error("odd");
      kept.push(...things);
    },
  };
}

describe("what is gathered", () => {
  it("is kept when the first has waited long enough", async () => {
    const timers = manualTimers();
    const { keep, batches } = keeper();
    const gathering = gather({ keep, most: 10, waitMs: 50, timers });
    const added = Promise.all(["a", "b"].map(gathering.add));
    await timers.advance(49);
    expect(batches).toEqual([]);
    await timers.advance(1);
    await added;
    expect(batches).toEqual([["a", "b"]]);
  });

  it("is kept at once when there is enough of it", async () => {
    const { keep, batches } = keeper();
    const gathering = gather({ keep, most: 2, waitMs: 50, timers: manualTimers() });
    await Promise.all(["a", "b"].map(gathering.add));
    expect(batches).toEqual([["a", "b"]]);
  });

  it("gathers on while some is being kept, one batch at a time", async () => {
    const one = keeper();
    const timers = manualTimers();
    const gathering = gather({ keep: one.keep, most: 2, waitMs: 50, timers });
    one.hold();
    const added = Promise.all(["a", "b", "c", "d", "e"].map(gathering.add));
    await settled();
    expect(one.batches).toEqual([["a", "b"]]);
    one.release();
    await settled();
    await timers.advance(50);
    await added;
    expect(one.batches).toEqual([["a", "b"], ["c", "d"], ["e"]]);
  });

  it("is kept but for what cannot be", async () => {
    const { keep, kept } = keeper();
    const gathering = gather({ keep, most: 5, waitMs: 50, timers: manualTimers() });
    const outcomes = await Promise.allSettled(["a", "odd b", "c", "d", "e"].map(gathering.add));
    expect(outcomes.map(({ status }) => status === "fulfilled")).toEqual([true, false, true, true, true]);
    expect(kept).toEqual(["a", "c", "d", "e"]);
  });

  it("fails as a whole, once, while the keeper is away", async () => {
    const one = keeper();
    one.setAway(true);
    const gathering = gather({ keep: one.keep, most: 4, waitMs: 50, timers: manualTimers() });
    const outcomes = await Promise.allSettled(["a", "b", "c", "d"].map(gathering.add));
    expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
    expect(one.batches).toHaveLength(1);
    one.setAway(false);
    await Promise.all(["a", "b", "c", "d"].map(gathering.add));
    expect(one.kept).toEqual(["a", "b", "c", "d"]);
  });
});
