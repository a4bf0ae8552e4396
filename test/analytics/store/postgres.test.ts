import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ColumnStore } from "../../../services/analytics/store/port.js";
import { openPostgresStore } from "../../../services/analytics/store/postgres/store.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { testDatabase } from "../../support/database.js";
import { difference } from "./compare.js";
import { bareDecision, generate, generatedFrom } from "./decisions.js";
import { allOf, bucket, by, everyAggregate, planOf } from "./plans.js";

const bounds = { timeMs: 30_000, groups: 10_000 };
const dayMs = 86_400_000;

// The whole contract, over months, takes longer: test/real has it.
describe("the PostgreSQL store", () => {
  let database: Database;
  let rollups: ColumnStore;
  let decisions: ColumnStore;
  beforeAll(async () => {
    database = await testDatabase();
    rollups = await openPostgresStore({ database });
    decisions = await openPostgresStore({ database, rollups: false });
    const generated = generate({ count: 60, seed: 7, tenantIds: ["a", "b"] });
    const rows = generated.decisions.map((row) => ({
      ...row,
      time: new Date(generatedFrom.getTime() + (row.time.getTime() % (2 * dayMs))),
    }));
    // Out of order, in batches that overlap.
    for (const at of [40, 0, 20]) await rollups.append({ decisions: rows.slice(at, at + 30), labels: [] });
  });
  afterAll(() => database?.end());

  it("answers the same from rollups as from decisions, percentiles within 1 %", async () => {
    const rolledUp = everyAggregate.filter(
      (one) => one.kind !== "distinct" || !["user", "rule", "framework", "label"].includes(one.dimension),
    );
    const from = new Date(generatedFrom.getTime() + 4_000_000);
    const selection = { ...allOf("a"), from, until: new Date(from.getTime() + 1.9 * dayMs) };
    const groupings = [
      [],
      [by("verdict")],
      [by("agent"), bucket("day", "Europe/Vienna")],
      [bucket("hour", "UTC")],
    ];
    for (const groups of groupings) {
      const plan = planOf(selection, groups, rolledUp);
      const answer = await rollups.query(plan, bounds);
      expect(answer.length).toBeGreaterThan(0);
      expect(difference(plan, answer, await decisions.query(plan, bounds), 0.01)).toBeUndefined();
    }
  });

  it("rolls up none of a batch that is refused", async () => {
    const count = () => rollups.count(allOf("c"));
    const summed = () => rollups.query(planOf(allOf("c"), [], [{ name: "n", kind: "count" }]), bounds);
    const good = bareDecision({ tenantId: "c", decisionId: "good" });
    const bad = { ...good, decisionId: "bad", verdict: null as never };
    await expect(rollups.append({ decisions: [good, bad], labels: [] })).rejects.toThrow();
    expect([await count(), await summed()]).toEqual([0, [[0]]]);
    await rollups.append({ decisions: [good, good], labels: [] });
    expect([await count(), await summed()]).toEqual([1, [[1]]]);
  });
});
