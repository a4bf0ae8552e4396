import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DecisionRow, QueryPlan } from "../../services/analytics/store/port.js";
import { openPostgresStore } from "../../services/analytics/store/postgres/store.js";
import type { Database } from "../../services/kit/stores/database/port.js";
import { openPostgres } from "../../services/kit/stores/database/postgres.js";
import { difference } from "../analytics/store/compare.js";
import { columnStoreContract } from "../analytics/store/contract.js";
import { bareDecision, generate, generatedFrom } from "../analytics/store/decisions.js";
import { allOf, bucket, by, planOf } from "../analytics/store/plans.js";
import { testDatabase } from "../support/database.js";
import { rejectedBy } from "../support/expect-reason.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";

/** What estimates from histograms may be wrong by. */
const percentileError = 0.01;
const bounds = { timeMs: 30_000, groups: 100_000 };
const hourMs = 3_600_000;

describe("the PostgreSQL store in this process", () => {
  let database: Database;
  beforeAll(async () => {
    database = await testDatabase();
  });
  afterAll(() => database?.end());

  columnStoreContract({ make: () => openPostgresStore({ database }), percentileError, count: 500, runs: 20 });
});

describe.skipIf(!postgresInstalled)("the PostgreSQL store on a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  const databaseOf = (name: string, poolSize = 4) =>
    openPostgres({ applicationName: "analytics", poolSize, address: server.address(name) });
  const newDatabase = async () => databaseOf(await server.createDatabase());

  describe("with rollups", () => {
    columnStoreContract({
      make: async () => openPostgresStore({ database: await newDatabase() }),
      percentileError,
    });
  });

  describe("without rollups", () => {
    columnStoreContract({
      make: async () => openPostgresStore({ database: await newDatabase(), rollups: false }),
    });
  });

  describe("of two replicas", () => {
    const tenantId = randomUUID();
    const rows = closeTogether(generate({ count: 3000, seed: 11, tenantIds: [tenantId] }).decisions);
    const open = async (name: string) => openPostgresStore({ database: databaseOf(name) });

    it("keeps and rolls up once what both append at the same time in different orders", async () => {
      const name = await server.createDatabase();
      const replicas = await Promise.all([open(name), open(name)]);
      const orders = [rows, [...rows].reverse()];
      await Promise.all(
        replicas.map(async (store, n) => {
          for (const decisions of batches(orders[n] ?? [], 150))
            await store.append({ decisions, labels: [] });
        }),
      );
      expect(await replicas[0]?.count(allOf(tenantId))).toBe(rows.length);
      const alone = await openPostgresStore({ database: databaseOf(name), rollups: false });
      for (const plan of plans(tenantId)) {
        const answer = (await replicas[1]?.query(plan, bounds)) ?? [];
        expect(difference(plan, answer, await alone.query(plan, bounds), percentileError)).toBeUndefined();
      }
    });

    it("waits for the other in one order, and never in a circle", async () => {
      const name = await server.createDatabase();
      const replicas = await Promise.all([open(name), open(name)]);
      const tenant = randomUUID();
      const pair = (of: string) =>
        ["approved", "blocked"].map((verdict) =>
          bareDecision({ tenantId: tenant, decisionId: of + verdict, verdict }),
        );
      await replicas[0]?.append({ decisions: pair("before"), labels: [] });
      // Held back here, each has taken what comes first in its order.
      const row = await lock(
        databaseOf(name),
        `select from analytics_store.rollup_minute as r join analytics_store.series as s on s.id = r.series
         where s.verdict = 'approved' and r.metric = 'decision' for update of r`,
      );
      const appends = replicas.map((store, n) => {
        const decisions = pair(`${n}`);
        return store.append({ decisions: n === 0 ? decisions : decisions.reverse(), labels: [] });
      });
      await expect.poll(() => waiting(name)).toBe(2);
      await row.release();
      await Promise.all(appends);
      expect(server.process().output()).not.toContain("deadlock detected");
      expect(await replicas[0]?.count(allOf(tenant))).toBe(6);
    });

    it("keeps what comes for a day that one of them has dropped", async () => {
      const name = await server.createDatabase();
      const [one, other] = await Promise.all([open(name), open(name)]);
      const [first, ...rest] = rows;
      await one.append({ decisions: [first as DecisionRow], labels: [] });
      await other.forget(new Date(generatedFrom.getTime() + 1000 * hourMs));
      await one.append({ decisions: rest, labels: [] });
      expect(await other.count(allOf(tenantId))).toBe(rows.length - 1);
    });
  });

  describe("bounds", () => {
    const tenantId = randomUUID();
    const heavy: QueryPlan = planOf(allOf(tenantId), [by("user"), bucket("minute", "UTC")]);
    let name: string;
    beforeAll(async () => {
      name = await server.createDatabase();
      const store = await openPostgresStore({ database: databaseOf(name) });
      const decisions = closeTogether(generate({ count: 4000, seed: 12, tenantIds: [tenantId] }).decisions);
      await store.append({ decisions, labels: [] });
    });

    it("the time of a query, on the server", async () => {
      const store = await openPostgresStore({ database: databaseOf(name) });
      expect(await store.query(heavy, bounds)).not.toEqual([]);
      expect(await rejectedBy(store.query(heavy, { ...bounds, timeMs: 1 }))).toMatchObject({
        code: "FailedPrecondition",
        reason: "QUERY_TOO_EXPENSIVE",
      });
    });

    it("a query whose caller leaves, and frees its connection", async () => {
      const store = await openPostgresStore({ database: databaseOf(name, 2) });
      const blocker = await lock(
        databaseOf(name),
        "lock table analytics_store.decisions in access exclusive mode",
      );
      const leaving = new AbortController();
      const left = store.query(heavy, bounds, leaving.signal);
      await expect.poll(() => waiting(name)).toBe(1);
      leaving.abort(new Error("left"));
      await expect(left).rejects.toThrow("left");
      expect(await waiting(name)).toBe(0);
      await blocker.release();
      expect(await store.count(allOf(tenantId))).toBe(4000);
    });

    it("the groups, from rollups too", async () => {
      const store = await openPostgresStore({ database: databaseOf(name) });
      const hours = planOf(allOf(tenantId), [bucket("hour", "UTC")], [{ name: "n", kind: "count" }]);
      const groups = (await store.query(hours, bounds)).length;
      expect(await rejectedBy(store.query(hours, { ...bounds, groups: groups - 1 }))).toMatchObject({
        reason: "QUERY_TOO_EXPENSIVE",
      });
    });
  });

  /** Statements that wait for a lock. */
  const waiting = async (name: string) => {
    const sql = `select count(*)::int as n from pg_stat_activity where datname = '${name}' and wait_event_type = 'Lock'`;
    return (await server.run<{ n: number }>(sql))[0]?.n;
  };
});

/** The same decisions within two days, so that batches meet in the same rollups. */
function closeTogether(rows: readonly DecisionRow[]): DecisionRow[] {
  return rows.map((row) => ({
    ...row,
    time: new Date(generatedFrom.getTime() + (row.time.getTime() % (48 * hourMs))),
  }));
}

function* batches(rows: readonly DecisionRow[], size: number): Generator<readonly DecisionRow[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

function plans(tenantId: string): QueryPlan[] {
  const total = { kind: "figure", figure: "total_ms" } as const;
  const aggregates = [
    { name: "n", kind: "count" },
    { name: "sum", kind: "sum", metric: total },
    { name: "deviation", kind: "deviation", metric: total },
    { name: "p95", kind: "percentile", metric: total, percentile: 95 },
  ] as const;
  const groupings = [[], [by("agent"), by("verdict")], [bucket("hour", "UTC")], [bucket("minute", "UTC")]];
  return groupings.map((groups) => planOf(allOf(tenantId), groups, aggregates));
}

/** Holds what the statement locks. */
async function lock(database: Database, sql: string) {
  const client = await database.connect();
  await client.query("begin", []);
  await client.query(sql, []);
  return {
    async release() {
      await client.query("rollback", []);
      client.release();
    },
  };
}
