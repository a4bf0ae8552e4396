import type { PostgresPoolClient } from "kysely";
import type { Clock } from "../../clock.js";
import type { Log } from "../../log.js";
import type { Database } from "./port.js";

/** Work on a schema that is done from time to time by whichever replica comes first. */
export interface Job {
  readonly schema: string;
  /** Unique within the schema. */
  readonly name: string;
  /** How much time passes between two runs at least, in milliseconds. */
  readonly everyMs: number;
  /** The work, in the transaction that notes it as done. */
  work(client: PostgresPoolClient): Promise<void>;
}

/**
 * Does the job if it is due and nobody else is at it; resolves to whether it
 * did. The table `jobs` of the schema remembers, so that neither a restart nor
 * another replica repeats or forgets it, and a crash leaves it undone as a whole.
 */
export async function runIfDue(database: Database, job: Job, clock: Clock): Promise<boolean> {
  const client = await database.connect();
  try {
    await client.query("begin", []);
    const done = (await isDue(client, job, clock)) && (await run(client, job, clock));
    await client.query("commit", []);
    return done;
  } finally {
    // Rolls back what failed.
    client.release();
  }
}

async function isDue(client: PostgresPoolClient, { schema, name, everyMs }: Job, clock: Clock) {
  const { rows } = await client.query<{ free: boolean }>(
    "select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as free",
    [`job ${name} of ${schema}`],
  );
  if (!rows[0]?.free) return false;
  const sql = `select run_time from "${schema}".jobs where name = $1`;
  const last = (await client.query<{ run_time: Date }>(sql, [name])).rows[0];
  return !last || clock.now() - last.run_time.getTime() >= everyMs;
}

async function run(client: PostgresPoolClient, job: Job, clock: Clock): Promise<true> {
  await job.work(client);
  await client.query(
    `insert into "${job.schema}".jobs (name, run_time) values ($1, $2)
     on conflict (name) do update set run_time = excluded.run_time`,
    [job.name, new Date(clock.now())],
  );
  return true;
}

/** Jobs that are looked after until stopped. */
export interface RunningJobs {
  /** Does what is due; failures are logged and tried again the next time. */
  check(): Promise<void>;
  /** Waits for what is being done. */
  stop(): Promise<void>;
}

export interface JobsOptions {
  readonly database: Database;
  readonly jobs: readonly Job[];
  /** How often to look whether one is due, in milliseconds. */
  readonly checkMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Looks for due jobs at once and then from time to time. */
export function startJobs({ database, jobs, checkMs, clock, log }: JobsOptions): RunningJobs {
  const checkAll = async () => {
    for (const job of jobs) {
      await runIfDue(database, job, clock).catch((cause: unknown) => {
        log.error(`the job ${job.name} of ${job.schema} failed`, { cause });
      });
    }
  };
  let current = Promise.resolve();
  const check = () => {
    current = current.then(checkAll);
    return current;
  };
  const timer = setInterval(check, checkMs).unref();
  check();
  return {
    check,
    async stop() {
      clearInterval(timer);
      await current;
    },
  };
}
