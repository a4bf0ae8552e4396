import type { DuckDBConnection } from "@duckdb/node-api";
import { errors } from "../../../kit/errors.js";
import type { ConnectionQueue } from "../../../kit/stores/database/connection-queue.js";
import type { ColumnStore } from "../port.js";
import { appendBatch } from "./append.js";
import { timeValue } from "./columns.js";
import { endOf, labelsTable, type Partitions, tableOf } from "./partitions.js";
import { isOutOfMemory } from "./reading.js";

export type Writing = Pick<ColumnStore, "append" | "forget">;

export interface WritingOptions {
  /** Used by one transaction at a time. */
  readonly connection: DuckDBConnection;
  readonly partitions: Partitions;
  readonly turns: ConnectionQueue;
  /** Ends what takes memory beside, and resolves when it has. */
  freeMemory(): Promise<void>;
}

/** Changes the file, one transaction after the other. */
export function writing({ connection, partitions, turns, freeMemory }: WritingOptions): Writing {
  const inTransaction = async <R>(work: () => Promise<R>): Promise<R> => {
    await connection.run("begin transaction");
    try {
      const result = await work();
      await connection.run("commit");
      return result;
    } catch (error) {
      // A failed commit has rolled back already.
      await connection.run("rollback").catch(() => undefined);
      throw error;
    }
  };
  const inTurn = async <R>(work: () => Promise<R>): Promise<R> => {
    await turns.enter();
    try {
      return await inTransaction(work).catch(async (error: unknown) => {
        if (!isOutOfMemory(error)) throw error;
        // Queries took what there is, and can be asked again.
        await freeMemory();
        return inTransaction(work);
      });
    } catch (error) {
      throw errors.internal(error);
    } finally {
      turns.leave();
    }
  };

  const drop = async (months: readonly string[], before: Date) => {
    for (const month of months) await connection.run(`drop table ${tableOf(month)}`);
    await connection.run(`delete from ${labelsTable} where time < $1`, [timeValue(before)]);
  };

  return {
    async append(batch) {
      if (batch.decisions.length + batch.labels.length === 0) return;
      const months = await inTurn(() => appendBatch(connection, batch));
      for (const month of months) partitions.made(month);
    },
    async forget(before) {
      const months = partitions.months().filter((month) => endOf(month) <= before);
      // No query starts to read what is about to go.
      for (const month of months) partitions.dropped(month);
      await inTurn(() => drop(months, before)).catch((error: unknown) => {
        for (const month of months) partitions.made(month);
        throw error;
      });
      // An append that was before us may have named one again.
      for (const month of months) partitions.dropped(month);
    },
  };
}
