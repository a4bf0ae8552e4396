import { type Kysely, sql, type Transaction } from "kysely";
import type { Clock } from "../../kit/clock.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { FailureKey } from "../domain/sign-in-keys.js";
import type { AuthTables } from "../store.js";

type Tables = AuthTables & OutboxTables;

/** Longest delay, in seconds. */
const longestDelay = 900;
/** Doublings of a second after which a delay is the longest. */
const doublings = 10;
/** How long a failure counts after the last one, in milliseconds. */
const memoryMs = 3_600_000;
/** Forgotten failures that one failure sweeps away. */
const sweep = 50;

/**
 * Failed sign-ins, counted where every replica sees them. The rows are no more
 * than the failures of the last hour, which password checks bound.
 */
export interface SignInFailures {
  /** Milliseconds until somebody with these keys may try; 0 when now. */
  delay(keys: readonly FailureKey[]): Promise<number>;
  /** Counts a failure for each key. */
  add(keys: readonly FailureKey[]): Promise<void>;
  /** Forgets the failures in the transaction of a success; the delay that they had led to by then, in milliseconds. */
  forget(trx: Transaction<Tables>, keys: readonly FailureKey[]): Promise<number>;
}

export function signInFailures({ db, clock }: { db: Kysely<Tables>; clock: Clock }): SignInFailures {
  const longest = (rows: readonly { retry_time: Date }[]) =>
    Math.max(0, ...rows.map(({ retry_time }) => retry_time.getTime() - clock.now()));

  return {
    async delay(keys) {
      const rows = await db
        .selectFrom("sign_in_failures")
        .select("retry_time")
        .where("key", "in", hashesOf(keys))
        .execute();
      return longest(rows);
    },

    async add(keys) {
      const now = clock.now();
      // In one order, so that two failures with the same keys cannot wait for each other.
      for (const key of [...keys].sort((a, b) => Buffer.compare(a.hash, b.hash))) {
        await addFailure(db, key, now);
      }
      await dropForgotten(db, now);
    },

    async forget(trx, keys) {
      const forgotten = trx.deleteFrom("sign_in_failures").where("key", "in", hashesOf(keys));
      return longest(await forgotten.returning("retry_time").execute());
    },
  };
}

function hashesOf(keys: readonly FailureKey[]): Uint8Array[] {
  return keys.map(({ hash }) => hash);
}

/** Counts one failure. The delay doubles from a second on with each failure beyond those allowed. */
async function addFailure(db: Kysely<Tables>, { hash, allowed }: FailureKey, at: number): Promise<void> {
  const now = new Date(at);
  const first = new Date(at + (allowed <= 1 ? 1000 : 0));
  await db
    .insertInto("sign_in_failures")
    .values({ key: hash, failures: 1, last_time: now, retry_time: first })
    .onConflict((conflict) =>
      conflict.column("key").doUpdateSet((row) => {
        const fresh = sql<boolean>`${row.ref("sign_in_failures.last_time")} > ${new Date(at - memoryMs)}`;
        const failures = sql<number>`case when ${fresh} then least(${row.ref("sign_in_failures.failures")} + 1, 1000000) else 1 end`;
        const excess = sql<number>`(${failures}) - ${allowed}::integer`;
        const seconds = sql<number>`case when ${excess} < 0 then 0 else least(${longestDelay}, power(2, least(${excess}, ${doublings}))) end`;
        const retry = sql<Date>`${now}::timestamptz + (${seconds}) * interval '1 second'`;
        return { failures, last_time: now, retry_time: retry };
      }),
    )
    .execute();
}

async function dropForgotten(db: Kysely<Tables>, now: number): Promise<void> {
  const forgotten = db
    .selectFrom("sign_in_failures")
    .select("key")
    .where("last_time", "<", new Date(now - memoryMs))
    .limit(sweep);
  await db.deleteFrom("sign_in_failures").where("key", "in", forgotten).execute();
}
