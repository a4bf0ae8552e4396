import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { PGlite, type Results, types } from "@electric-sql/pglite";
import type { PostgresPoolClient } from "kysely";
import { errors } from "../../errors.js";
import { type ConnectionQueue, connectionQueue } from "./connection-queue.js";
import { lockDirectory } from "./lock.js";
import type { Database } from "./port.js";

export interface PgliteOptions {
  /** Directory of the files and of the lock, made on demand; without it the database lives in memory. */
  readonly directory?: string | undefined;
  /** A dumped data directory that a new database begins with, which saves the seconds of making one. */
  readonly template?: Blob | undefined;
  /** How many may wait for the connection; more are refused. */
  readonly queueLimit?: number;
  /** How long one may wait for the connection, in milliseconds. */
  readonly waitMs?: number;
}

type Row = Record<string, unknown>;

const parsers = {
  [types.INT8]: (text: string) => BigInt(text),
  [types.DATE]: (text: string) => text,
  [types.BYTEA]: (text: string) => new Uint8Array(Buffer.from(text.slice(2), "hex")),
};

// PGlite's own go byte by byte, which took a tenth of a decision's time.
const serializers = {
  [types.BYTEA]: (bytes: Uint8Array) =>
    `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`,
};

/**
 * PostgreSQL inside this process. It has one connection, so clients take turns:
 * what one awaits between BEGIN and COMMIT, all others wait for.
 *
 * What was acknowledged survives `kill -9`, as a commit hands the write-ahead
 * log to the operating system first. It may not survive a loss of power, as
 * PGlite never asks the disk to flush. Throws `DirectoryLockedError` when
 * another process has the directory open, which PGlite itself would not notice.
 */
export async function openPglite(options: PgliteOptions = {}): Promise<Database> {
  const { directory, template, queueLimit = 1024, waitMs = 5000 } = options;
  if (directory) await mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = directory ? await lockDirectory(directory) : undefined;
  const queue = connectionQueue({ limit: queueLimit, waitMs });
  try {
    const engine = await PGlite.create({
      dataDir: directory ? join(directory, "data") : "memory://",
      ...(template ? { loadDataDir: template } : {}),
      relaxedDurability: false,
      parsers,
      serializers,
    });
    return databaseOver(engine, queue, async () => lock?.release());
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

function databaseOver(engine: PGlite, queue: ConnectionQueue, closed: () => Promise<void>): Database {
  let ending: Promise<void> | undefined;
  const end = async () => {
    await queue.close();
    await engine.close().finally(closed);
  };
  const connect = async (signal?: AbortSignal) => {
    await queue.enter(signal);
    return clientOf(engine, queue);
  };
  const endOnce = () => {
    ending ??= end();
    return ending;
  };
  const pool = { connect: () => connect(), end: endOnce };
  return {
    ...pool,
    forSchema: () => pool,
    async ping(signal) {
      const client = await connect(signal);
      await client.query("select 1", []).finally(() => client.release());
    },
  };
}

function clientOf(engine: PGlite, queue: ConnectionQueue): PostgresPoolClient {
  let released = false;
  // True in doubt: a ROLLBACK too many does no harm.
  let inTransaction = false;
  let latest: Promise<unknown> = Promise.resolve();

  const run = async (sql: string, parameters: readonly unknown[]) => {
    const results = await execute(engine, sql, parameters).catch((error) => {
      // A script that failed half-way may have begun one.
      inTransaction = true;
      throw error;
    });
    for (const { command } of results) {
      if (command === "BEGIN" || command === "START") inTransaction = true;
      if (command === "COMMIT") inTransaction = false;
    }
    const last = results.at(-1);
    // PostgreSQL answers COMMIT of a failed transaction with a mere ROLLBACK.
    if (isCommit(sql) && last?.command === "ROLLBACK") {
      throw errors.internal(new Error("COMMIT rolled back: a statement of the transaction had failed"));
    }
    return { command: last?.command, rowCount: last?.rowCount ?? 0, rows: last?.rows ?? [] };
  };

  const finish = async () => {
    await latest.catch(() => undefined);
    if (inTransaction) await engine.exec("rollback");
  };

  return {
    query: ((sql: string, parameters: readonly unknown[] = []) => {
      if (released) return Promise.reject(errors.internal(new Error("the client has been released")));
      const result = run(sql, parameters);
      latest = result;
      return result;
    }) as PostgresPoolClient["query"],
    release() {
      if (released) return;
      released = true;
      // Whoever comes next must not find an open transaction: a failed rollback ends it all.
      finish().then(queue.leave, () => queue.close());
    },
  };
}

async function execute(engine: PGlite, sql: string, parameters: readonly unknown[]): Promise<Results[]> {
  return parameters.length === 0 ? engine.exec(sql) : [await engine.query<Row>(sql, [...parameters])];
}

function isCommit(sql: string): boolean {
  return sql.trim().toLowerCase() === "commit";
}
