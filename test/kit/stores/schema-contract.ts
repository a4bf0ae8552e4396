import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Clock } from "../../../services/kit/clock.js";
import type { Log, LogEntry } from "../../../services/kit/log.js";
import { type Job, runIfDue, startJobs } from "../../../services/kit/stores/database/job.js";
import { openSchema, violatedConstraint } from "../../../services/kit/stores/database/kysely.js";
import { migrate } from "../../../services/kit/stores/database/migrate.js";
import {
  dropExpired,
  makePartitions,
  type Retention,
} from "../../../services/kit/stores/database/partitions.js";
import type { Database, Migration } from "../../../services/kit/stores/database/port.js";
import { lockedSchema } from "../../../services/kit/stores/database/schema-lock.js";
import { failure } from "./database-contract.js";

interface Tables {
  fact: { id: string; subject: string; done: boolean };
}

const migrations: Migration[] = [
  {
    name: "0001_fact.sql",
    sql: `create table fact (id uuid primary key, subject text not null, done boolean not null default true)
            partition by range (id);
          insert into partitioned_tables values ('fact', 'restricted', '{subject}', 'not done');`,
  },
];

const november = Date.UTC(2026, 10, 21);
const day = 24 * 60 * 60 * 1000;

/** What holds of partitions and jobs on every adapter. */
export function schemaContract(name: string, open: () => Promise<Database>): void {
  describe(name, () => {
    let database: Database;
    beforeAll(async () => {
      database = await open();
    });
    afterAll(() => database.end());

    const clockAt = (now: number): Clock => ({ now: () => now, monotonic: () => 0 });
    const migrated = async (schema: string, now = november) => {
      await migrate(database, { schema, migrations, clock: clockAt(now) });
      return openSchema<Tables>(database, schema);
    };
    const locked = async <R>(schema: string, work: (client: Client) => Promise<R>): Promise<R> => {
      const client = await database.connect();
      try {
        return await lockedSchema(client, schema, () => work(client));
      } finally {
        client.release();
      }
    };
    const make = (schema: string, now: number) =>
      locked(schema, (client) => makePartitions(client, schema, now));
    const drop = (schema: string, retention: Retention, now: number) =>
      locked(schema, (client) => dropExpired(client, { schema, retention, now }));
    const partitionOf = async (schema: string, id: string) => {
      const client = await database.connect();
      const sql = `select tableoid::regclass::text as name from "${schema}".fact where id = $1`;
      const { rows } = await client.query<{ name: string }>(sql, [id]);
      client.release();
      return rows[0]?.name;
    };

    it("has partitions for this month and the next three, and a row goes to the month of its id", async () => {
      const db = await migrated("months");
      expect(await make("months", november)).toEqual([]);
      for (const [time, month] of [
        [november, "2026_11"],
        [Date.UTC(2026, 11, 1) - 1, "2026_11"],
        [Date.UTC(2026, 11, 1), "2026_12"],
        [Date.UTC(2027, 1, 28), "2027_02"],
      ] as const) {
        const id = idOf(time);
        await db.insertInto("fact").values({ id, subject: id, done: true }).execute();
        expect(await partitionOf("months", id)).toBe(`months.fact_${month}`);
      }
    });

    it("makes the months that come later, each once", async () => {
      await migrated("later");
      const made = await make("later", Date.UTC(2027, 0, 3));
      expect(made).toEqual(["fact_2027_03", "fact_2027_04", "outbox_2027_03", "outbox_2027_04"]);
      expect(await make("later", Date.UTC(2027, 0, 3))).toEqual([]);
    });

    it("keeps rows of a month without a partition, and moves them once it has one", async () => {
      const db = await migrated("strays");
      const id = idOf(Date.UTC(2027, 5, 1));
      await db.insertInto("fact").values({ id, subject: "stray", done: true }).execute();
      expect(await partitionOf("strays", id)).toBe("strays.fact_default");
      await make("strays", Date.UTC(2027, 4, 1));
      expect(await partitionOf("strays", id)).toBe("strays.fact_2027_06");
    });

    it("holds the primary key over all months, and what is unique once within a month", async () => {
      const db = await migrated("unique_facts");
      const insert = (id: string, subject: string) =>
        db.insertInto("fact").values({ id, subject, done: true }).execute();
      const id = idOf(november);
      await insert(id, "a");
      expect(violatedConstraint(await failure(insert(id, "b")))).toBe("fact_2026_11_pkey");
      const again = await failure(insert(idOf(november + 1), "a"));
      expect(violatedConstraint(again)).toBe("fact_2026_11_once");
    });

    it("drops whole months after the time of their class, and none of a class without one", async () => {
      await migrated("retained");
      const spring = Date.UTC(2027, 3, 15);
      expect(await drop("retained", {}, spring)).toEqual([]);
      expect(await drop("retained", { internal: 1 }, spring)).toEqual([]);
      expect(await drop("retained", { restricted: 3 }, spring)).toEqual(["fact_2026_11", "fact_2026_12"]);
      expect(await drop("retained", { restricted: 3 }, spring)).toEqual([]);
    });

    it("keeps a month that has something unfinished, and drops it once that is done", async () => {
      const db = await migrated("unfinished");
      const id = idOf(november);
      await db.insertInto("fact").values({ id, subject: "open", done: false }).execute();
      const later = Date.UTC(2027, 0, 15);
      expect(await drop("unfinished", { restricted: 1 }, later)).toEqual([]);
      await db.updateTable("fact").set({ done: true }).execute();
      expect(await drop("unfinished", { restricted: 1 }, later)).toEqual(["fact_2026_11"]);
    });

    const job = (schema: string, work: Job["work"]): Job => ({ schema, name: "count", everyMs: day, work });

    it("does a job once in its time, also when the process starts anew or several try at once", async () => {
      await migrated("jobs_once");
      let runs = 0;
      const count = job("jobs_once", async () => void runs++);
      const tries = await Promise.all([1, 2, 3].map(() => runIfDue(database, count, clockAt(november))));
      expect(tries.filter(Boolean)).toHaveLength(1);
      expect(await runIfDue(database, count, clockAt(november + day - 1))).toBe(false);
      expect(await runIfDue(database, count, clockAt(november + day))).toBe(true);
      expect(runs).toBe(2);
    });

    it("leaves nothing of a job that fails, logs it, and does it the next time", async () => {
      const db = await migrated("jobs_failing");
      const lines: string[] = [];
      const log = { error: (text: string, _: LogEntry) => void lines.push(text) } as unknown as Log;
      let fails = true;
      const id = idOf(november);
      const flaky = job("jobs_failing", async (client) => {
        await client.query("insert into jobs_failing.fact values ($1, 'job')", [id]);
        if (fails) throw new Error("fails");
      });
      const clock = clockAt(november);
      const jobs = startJobs({ database, jobs: [flaky], checkMs: day, clock, log });
      await jobs.check();
      expect(lines[0]).toBe("the job count of jobs_failing failed");
      expect(await db.selectFrom("fact").selectAll().execute()).toEqual([]);
      fails = false;
      await jobs.check();
      await jobs.stop();
      expect(await db.selectFrom("fact").select("id").execute()).toEqual([{ id }]);
    });
  });
}

type Client = Awaited<ReturnType<Database["connect"]>>;

let made = 0;

/** A UUIDv7 of a time. */
function idOf(time: number): string {
  const hex = time.toString(16).padStart(12, "0");
  const tail = (++made).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${tail}`;
}
