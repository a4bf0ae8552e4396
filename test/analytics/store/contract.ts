import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  Bounds,
  ColumnStore,
  DecisionRow,
  LabelRow,
  QueryPlan,
  Selection,
} from "../../../services/analytics/store/port.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { difference } from "./compare.js";
import { bareDecision, batchesOf, generate, generatedFrom } from "./decisions.js";
import { direct, type Labelled, labelled, selected } from "./direct.js";
import {
  allOf,
  anyPlan,
  bucket,
  by,
  everyAggregate,
  everyGrouping,
  everySelection,
  plainAggregates,
  planOf,
  someGroupings,
} from "./plans.js";

export interface ContractOptions {
  /** An empty store. */
  make(): Promise<ColumnStore>;
  /** How far percentiles may be from the true ones, of their value; only rounding by default. */
  readonly percentileError?: number;
  /** Decisions to compare over. */
  readonly count?: number;
  /** Random plans to compare. */
  readonly runs?: number;
  /** Whether every aggregation and grouping meets every filter. */
  readonly everyPair?: boolean;
}

const bounds: Bounds = { timeMs: 60_000, groups: 1_000_000 };

/** What every store of decisions has to do, compared with a direct computation. */
export function columnStoreContract(options: ContractOptions): void {
  const { make, percentileError, count = 1000, runs = 40, everyPair = false } = options;
  const tenants = [randomUUID(), randomUUID()] as const;
  const data = generate({ count, seed: 20_261, tenantIds: tenants });
  let store: ColumnStore;
  let rows: readonly Labelled[];

  beforeAll(async () => {
    store = await make();
    for (const batch of batchesOf(data, 5000)) await store.append(batch);
    rows = labelled(data);
  });
  afterAll(() => store.close());

  const expectDirect = async (plan: QueryPlan) => {
    const answer = await store.query(plan, bounds);
    expect(difference(plan, answer, direct(plan, rows), percentileError)).toBeUndefined();
  };
  const counted = (tenantId: string) => store.count(allOf(tenantId));
  const add = (decisions: readonly DecisionRow[], labels: readonly LabelRow[] = []) =>
    store.append({ decisions, labels });

  describe("answers as a direct computation does", () => {
    const selections = everySelection(tenants[0]);
    const groupings = everyPair ? everyGrouping : someGroupings;
    it.each(groupings.map((groups) => ({ groups, name: groupingName(groups) })))(
      "every aggregation grouped by $name",
      async ({ groups }) => {
        const aggregates = everyPair || groups.length > 1 ? everyAggregate : plainAggregates;
        for (const selection of everyPair ? selections : selections.slice(0, 1)) {
          await expectDirect(planOf(selection, groups, aggregates));
        }
      },
    );

    it("every filter", async () => {
      const aggregates = everyAggregate.slice(0, 6);
      for (const selection of selections) await expectDirect(planOf(selection, [], aggregates));
    });

    it("every tenant together", async () => {
      await expectDirect(planOf(allOf(undefined), [by("tenant"), by("label")]));
    });

    it("any plan in its order, from its offset to its limit", async () => {
      const plans = anyPlan([...tenants, undefined]);
      await fc.assert(fc.asyncProperty(plans, expectDirect), { numRuns: runs });
    });

    it("orders by what is computed, rows without a value last either way", async () => {
      const aggregates = [
        { name: "mean", kind: "average", metric: { kind: "figure", figure: "gpu_share" } },
      ] as const;
      for (const descending of [false, true]) {
        const orders = [{ column: "mean", descending }];
        const plan = { ...planOf(allOf(tenants[0]), [bucket("day", "UTC")], aggregates), orders };
        const means = (await store.query(plan, bounds)).map(([, mean]) => mean ?? null);
        const some = means.filter((mean) => mean !== null).map(Number);
        expect(some.length).toBeGreaterThan(1);
        expect(means).toEqual([
          ...some.sort((a, b) => (descending ? b - a : a - b)),
          ...Array.from({ length: means.length - some.length }, () => null),
        ]);
      }
    });

    it("counts what is selected", async () => {
      for (const selection of selections) {
        expect(await store.count(selection)).toBe(selected(selection, rows).length);
      }
    });
  });

  describe("keeps", () => {
    it("a decision once, however often and in whatever batches it is delivered", async () => {
      const tenantId = randomUUID();
      const [a, b, c] = ["a", "b", "c"].map((id, n) =>
        bareDecision({
          tenantId,
          decisionId: id,
          time: new Date(generatedFrom.getTime() + n * 86_400_000 * 40),
        }),
      ) as [DecisionRow, DecisionRow, DecisionRow];
      await add([a, b, a]);
      await add([a, b]);
      await Promise.all([add([b, c]), add([c, a]), add([c])]);
      expect(await counted(tenantId)).toBe(3);
    });

    it("decisions of two tenants apart, whatever their ids", async () => {
      const [one, other] = [randomUUID(), randomUUID()];
      await add([one, other].map((tenantId) => bareDecision({ tenantId, decisionId: "same" })));
      expect([await counted(one), await counted(other)]).toEqual([1, 1]);
    });

    it("nothing of a batch of which one row cannot be kept", async () => {
      const tenantId = randomUUID();
      const good = bareDecision({ tenantId, decisionId: "good" });
      const bad = { ...good, decisionId: "bad", verdict: null as never };
      await expect(add([good, bad])).rejects.toThrow();
      expect(await counted(tenantId)).toBe(0);
      await add([good]);
      expect(await counted(tenantId)).toBe(1);
    });

    it("every part of a decision", async () => {
      const tenantId = randomUUID();
      const row = {
        ...data.decisions[0],
        tenantId,
        decisionId: `"; drop table x; -- ${randomUUID()}`,
      } as DecisionRow;
      await add([row]);
      expect(await everything(store, allOf(tenantId))).toEqual([row]);
    });
  });

  describe("takes labels", () => {
    const label = (tenantId: string, version: number, labels: string[], feedbackId = "f"): LabelRow => ({
      tenantId,
      decisionId: "d",
      feedbackId: `${feedbackId} of ${tenantId}`,
      version: BigInt(version),
      time: new Date(generatedFrom.getTime() + version),
      labels,
    });
    const said = async (tenantId: string) => {
      const aggregates = [{ name: "n", kind: "count" }] as const;
      return store.query(planOf(allOf(tenantId), [by("label")], aggregates), bounds);
    };
    const decided = (tenantId: string) => add([bareDecision({ tenantId, decisionId: "d" })]);

    it("of the greatest version, in whatever order versions come", async () => {
      for (const order of [
        [1, 2, 3],
        [3, 2, 1],
        [2, 3, 1],
      ]) {
        const tenantId = randomUUID();
        await decided(tenantId);
        for (const version of order) await add([], [label(tenantId, version, [`said_${version}`])]);
        expect(await said(tenantId)).toEqual([["said_3", 1]]);
      }
    });

    it("of several versions in one batch, and again", async () => {
      const tenantId = randomUUID();
      await decided(tenantId);
      const labels = [2, 3, 1].map((version) => label(tenantId, version, [`said_${version}`]));
      await add([], labels);
      await add([], labels);
      expect(await said(tenantId)).toEqual([["said_3", 1]]);
    });

    it("before their decision", async () => {
      const tenantId = randomUUID();
      await add([], [label(tenantId, 1, ["answer_correct"])]);
      expect(await said(tenantId)).toEqual([]);
      await decided(tenantId);
      expect(await said(tenantId)).toEqual([["answer_correct", 1]]);
    });

    it("back when a later version says nothing", async () => {
      const tenantId = randomUUID();
      await decided(tenantId);
      await add([], [label(tenantId, 2, [])]);
      await add([], [label(tenantId, 1, ["answer_correct"])]);
      expect(await said(tenantId)).toEqual([]);
    });

    it("once where two people say the same", async () => {
      const tenantId = randomUUID();
      await decided(tenantId);
      await add([], [label(tenantId, 1, ["a", "b"], "one"), label(tenantId, 1, ["b"], "two")]);
      expect(await said(tenantId)).toEqual([
        ["a", 1],
        ["b", 1],
      ]);
    });

    it("not from another tenant, whatever its ids", async () => {
      const [tenantId, other] = [randomUUID(), randomUUID()];
      await decided(tenantId);
      await add([], [{ ...label(other, 1, ["a"]), feedbackId: "shared" }]);
      await add([], [{ ...label(tenantId, 1, ["b"]), feedbackId: "shared" }]);
      expect(await said(tenantId)).toEqual([["b", 1]]);
      expect(await store.count({ ...allOf(tenantId), labels: ["a"] })).toBe(0);
    });
  });

  describe("bounds", () => {
    it("groups, exactly", async () => {
      const days = planOf(allOf(tenants[0]), [bucket("day", "UTC")], [{ name: "n", kind: "count" }]);
      const groups = (await store.query(days, bounds)).length;
      expect(await store.query({ ...days, limit: 3 }, { ...bounds, groups })).toHaveLength(3);
      expect(
        await rejectedBy(store.query({ ...days, limit: 3 }, { ...bounds, groups: groups - 1 })),
      ).toMatchObject({
        code: "FailedPrecondition",
        reason: "QUERY_TOO_EXPENSIVE",
      });
    });

    it("a query whose caller has left", async () => {
      const left = AbortSignal.abort(new Error("left"));
      await expect(store.query(planOf(allOf(tenants[0]), []), bounds, left)).rejects.toThrow();
    });
  });

  describe("reads", () => {
    it("what is selected, in order of time and id, in parts", async () => {
      for (const selection of [allOf(tenants[0]), ...everySelection(tenants[1]).slice(4, 6)]) {
        const read = await everything(store, selection);
        const expected = inOrder(selected(selection, rows)).map(({ labels: _, ...row }) => row);
        // Half a million rows, which the matcher would take minutes for.
        const different = expected.findIndex((row, n) => !isDeepStrictEqual(row, read[n]));
        expect({ length: read.length, different, row: read[different] }).toEqual({
          length: expected.length,
          different: -1,
          row: undefined,
        });
      }
    });

    it("no more than the caller takes", async () => {
      for await (const part of store.read(allOf(undefined))) {
        expect(part.length).toBeGreaterThan(0);
        break;
      }
      await store.ping(AbortSignal.timeout(20_000));
    });
  });

  it("forgets whole partitions, and nothing from the given time or later", async () => {
    const tenantId = randomUUID();
    const times = ["2020-01-10", "2020-01-31", "2020-02-01", "2020-02-20"].map(
      (day) => new Date(`${day}T12:00:00Z`),
    );
    await add(times.map((time, n) => bareDecision({ tenantId, decisionId: `${n}`, time })));
    const past = { ...allOf(tenantId), from: new Date("2019-01-01T00:00:00Z") };
    const before = new Date("2020-02-01T00:00:00Z");
    await store.forget(before);
    expect((await everything(store, past)).map(({ time }) => time)).toEqual(times.slice(2));
    // Delivered once more, it would be forgotten the next time.
    await add(times.slice(0, 1).map((time) => bareDecision({ tenantId, decisionId: "0", time })));
    await store.forget(before);
    expect(await store.count(past)).toBe(2);
  });
}

async function everything(store: ColumnStore, selection: Selection): Promise<DecisionRow[]> {
  const parts: DecisionRow[] = [];
  for await (const part of store.read(selection)) parts.push(...part);
  return parts;
}

function inOrder(rows: readonly Labelled[]): Labelled[] {
  return [...rows].sort(
    (a, b) =>
      a.time.getTime() - b.time.getTime() ||
      Buffer.compare(Buffer.from(a.decisionId), Buffer.from(b.decisionId)),
  );
}

function groupingName(groups: QueryPlan["groups"]): string {
  const names = groups.map((group) =>
    group.kind === "time" ? `${group.unit} in ${group.timeZone}` : group.dimension,
  );
  return names.length === 0 ? "nothing" : names.join(", ");
}
