import { create } from "@bufbuild/protobuf";
import { type Kysely, sql } from "kysely";
import { ExportFinishedSchema } from "#gen/ts/consciousness/analytics/v1/analytics_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { ExportRow, ExportTables } from "./rows.js";

type Tables = ExportTables & OutboxTables;

/** A job that a worker has taken, and nobody else has until its time is over. */
export interface HeldJob {
  readonly row: ExportRow;
  readonly holder: string;
}

/** How far a job is. */
export interface Progress {
  readonly total: number | undefined;
  readonly written: number;
}

/** How a job ended. */
export type Outcome =
  | { readonly kind: "succeeded"; readonly rows: number; readonly bytes: number }
  /** `failure` is for people. */
  | { readonly kind: "failed"; readonly failure: string };

/** Hands jobs to workers of all replicas, each to one at a time. */
export type ExportQueue = ReturnType<typeof exportQueue>;

/**
 * The queue is the table of jobs. A job is held by a row's holder and end, by the
 * database's clock, as a lease is: whoever died, or was away for longer than
 * `leaseMs`, loses it to the next.
 */
export function exportQueue({
  db,
  clock,
  leaseMs,
}: {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  readonly leaseMs: number;
}) {
  const until = sql<Date>`now() + ${leaseMs} * interval '1 millisecond'`;
  const held = ({ row, holder }: HeldJob) =>
    db
      .updateTable("exports")
      .where("id", "=", row.id)
      .where("holder", "=", holder)
      .where("state", "=", "running");
  const isHeld = async (query: { executeTakeFirst(): Promise<{ numUpdatedRows: bigint }> }) =>
    (await query.executeTakeFirst()).numUpdatedRows === 1n;

  return {
    /** Takes the oldest job that waits, or whose worker is gone; undefined without any. */
    claim(): Promise<HeldJob | undefined> {
      return transaction(db, async (trx) => {
        const due = await trx
          .selectFrom("exports")
          .select("id")
          .where((where) =>
            where.or([
              where("state", "=", "pending"),
              where.and([where("state", "=", "running"), where("held_until", "<", sql<Date>`now()`)]),
            ]),
          )
          .where("expire_time", ">", new Date(clock.now()))
          .orderBy("id")
          .limit(1)
          .forUpdate()
          .skipLocked()
          .executeTakeFirst();
        if (!due) return undefined;
        const holder = newId();
        const row = await trx
          .updateTable("exports")
          .set(({ eb }) => ({
            state: "running",
            attempts: eb("attempts", "+", 1),
            holder,
            held_until: until,
          }))
          .where("id", "=", due.id)
          .returningAll()
          .executeTakeFirstOrThrow();
        return { row, holder };
      });
    },

    /** Notes where the job's file will be, before any of it is there; false when somebody else has the job. */
    begin: (job: HeldJob, file: string): Promise<boolean> =>
      isHeld(held(job).set({ file, rows_written: 0n })),

    /** Notes how far the job is and holds it for longer; false when somebody else has it, or it was deleted. */
    progress: (job: HeldJob, { total, written }: Progress): Promise<boolean> =>
      isHeld(
        held(job).set({
          held_until: until,
          rows_written: BigInt(written),
          ...(total !== undefined && { rows_total: BigInt(total) }),
        }),
      ),

    /** Gives the job to whoever asks next; it does not count as begun. */
    async giveBack(job: HeldJob): Promise<void> {
      await held(job)
        .set(({ eb }) => ({
          state: "pending",
          attempts: eb("attempts", "-", 1),
          holder: null,
          held_until: null,
        }))
        .execute();
    },

    /** Leaves the job to whoever asks when its time is over. */
    async leave(job: HeldJob): Promise<void> {
      await held(job).set({ holder: null, held_until: until }).execute();
    },

    /** Ends the job with its event; false when somebody else has it, or it was deleted. */
    finish(job: HeldJob, outcome: Outcome): Promise<boolean> {
      const succeeded = outcome.kind === "succeeded";
      return transaction(db, async (trx) => {
        const row = await trx
          .updateTable("exports")
          .set(({ eb }) => ({
            state: outcome.kind,
            version: eb("version", "+", 1n),
            holder: null,
            held_until: null,
            ...(succeeded
              ? {
                  rows_total: BigInt(outcome.rows),
                  rows_written: BigInt(outcome.rows),
                  size_bytes: BigInt(outcome.bytes),
                }
              : { file: null, failure: outcome.failure }),
          }))
          .where("id", "=", job.row.id)
          .where("holder", "=", job.holder)
          .where("state", "=", "running")
          .returningAll()
          .executeTakeFirst();
        if (!row) return false;
        const { id, owner, tenant_id: tenant, version, rows_written: rows } = row;
        const message = create(ExportFinishedSchema, { exportId: id, succeeded, rows });
        await recordEvent(trx, {
          call: { requestId: newId(), principal: undefined },
          clock,
          tenant,
          actor: owner,
          aggregate: { type: "export", id, version },
          payload: { schema: ExportFinishedSchema, message },
        });
        return true;
      });
    },

    /** Jobs, some of them, that were deleted or have expired, and that nobody works on. */
    ended(): Promise<Pick<ExportRow, "id" | "file">[]> {
      return db
        .selectFrom("exports")
        .select(["id", "file"])
        .where((where) =>
          where.or([where("state", "=", "deleted"), where("expire_time", "<=", new Date(clock.now()))]),
        )
        .where((where) =>
          where.or([where("held_until", "is", null), where("held_until", "<", sql<Date>`now()`)]),
        )
        .limit(100)
        .execute();
    },

    /** Forgets a job whose file is gone. */
    async forget(id: string): Promise<void> {
      await db.deleteFrom("exports").where("id", "=", id).execute();
    },

    /** Says that nobody works any more on a job that was deleted meanwhile. */
    async letGo({ row, holder }: HeldJob): Promise<void> {
      await db
        .updateTable("exports")
        .set({ holder: null, held_until: null })
        .where("id", "=", row.id)
        .where("holder", "=", holder)
        .execute();
    },
  };
}
