import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { connectionQueue } from "../../../kit/stores/database/connection-queue.js";
import { lockDirectory } from "../../../kit/stores/database/lock.js";
import type { ColumnStore } from "../port.js";
import { compileCount } from "../sql/decisions.js";
import { compileQuery } from "../sql/query.js";
import { duckdbDialect as dialect } from "./dialect.js";
import { readDecisions } from "./pages.js";
import { openPartitions } from "./partitions.js";
import { reading } from "./reading.js";
import { writing } from "./writing.js";

export interface DuckdbOptions {
  /** Directory of the file and of its lock, made on demand; without it the store lives in memory. */
  readonly directory?: string | undefined;
  /**
   * Most memory in megabytes of everything together but values of percentiles;
   * what exceeds it and can be sorted or joined on disk goes there.
   */
  readonly memoryMb?: number;
  /**
   * Most values of percentiles of one query. DuckDB keeps them all, at up to 24
   * bytes each while it copies them, and counts them to no limit.
   */
  readonly maxValues?: number;
  /** Most space on disk for that, in megabytes. */
  readonly spillMb?: number;
  readonly threads?: number;
  /** Queries that run at once; each takes one of the process's few threads for blocking work. */
  readonly concurrency?: number;
  /** Queries that wait, and as many appends; more are refused. */
  readonly queueLimit?: number;
  /** How long one may wait, in milliseconds. */
  readonly waitMs?: number;
  /** How long one page of `read`, and `count`, may take, in milliseconds. */
  readonly readMs?: number;
}

const defaults = {
  memoryMb: 512,
  maxValues: 20_000_000,
  spillMb: 4096,
  threads: 2,
  concurrency: 2,
  queueLimit: 64,
  waitMs: 10_000,
  readMs: 60_000,
};

type Settings = typeof defaults & Pick<DuckdbOptions, "directory">;

/**
 * Keeps decisions in a file of DuckDB in this process. What `append` resolved
 * for survives `kill -9` and a loss of power, as every commit flushes the log.
 * Readers see whole batches and stop no writer. Throws `DirectoryLockedError`
 * when another process has the directory open.
 */
export async function openDuckdb(options: DuckdbOptions = {}): Promise<ColumnStore> {
  const settings: Settings = { ...defaults, ...options };
  const { directory } = settings;
  if (directory) await mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = directory ? await lockDirectory(directory) : undefined;
  try {
    const instance = await DuckDBInstance.create(
      directory ? join(directory, "analytics.duckdb") : ":memory:",
      engineOptions(settings),
    );
    return await storeOver(instance, settings, async () => lock?.release());
  } catch (error) {
    await lock?.release();
    throw error;
  }
}

function engineOptions({ directory, memoryMb, spillMb, threads }: Settings) {
  return {
    memory_limit: `${memoryMb}MB`,
    threads: String(threads),
    // Order comes from ORDER BY alone, and costs no memory where nobody asks for it.
    preserve_insertion_order: "false",
    // Without one, DuckDB takes a directory of its own where the process was started.
    temp_directory: directory ? join(directory, "spill") : "",
    max_temp_directory_size: `${spillMb}MB`,
    // SQL reaches no file but its own, no network, and none of these settings.
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    enable_external_access: "false",
    lock_configuration: "true",
  };
}

async function storeOver(
  instance: DuckDBInstance,
  settings: Settings,
  closed: () => Promise<void>,
): Promise<ColumnStore> {
  const { maxValues, queueLimit, waitMs, readMs } = settings;
  const [writer, pings] = [await instance.connect(), await instance.connect()];
  const partitions = await openPartitions(writer);
  const reads = reading({ instance, ...settings });
  const turns = connectionQueue({ limit: queueLimit, waitMs });
  const writes = writing({ connection: writer, partitions, turns, freeMemory: reads.interrupt });
  let ending: Promise<void> | undefined;

  const end = async () => {
    await Promise.all([reads.close(), turns.close()]);
    for (const each of [writer, pings]) each.closeSync();
    instance.closeSync();
    await closed();
  };
  return {
    ...writes,
    async query(plan, { timeMs, groups }, signal) {
      const source = partitions.source(plan.selection);
      const query = compileQuery({ plan, maxGroups: groups, maxValues, dialect, source });
      return query.read((await reads.run(query, { timeMs, signal })).getRows());
    },
    async count(selection, signal) {
      const statement = compileCount({ selection, dialect, source: partitions.source(selection) });
      const answer = await reads.run(statement, { timeMs: readMs, signal });
      return Number(answer.value(0, 0));
    },
    read: (selection, signal) => readDecisions({ selection, partitions, reads, timeMs: readMs, signal }),
    async ping() {
      await pings.run("select 1");
    },
    close() {
      ending ??= end();
      return ending;
    },
  };
}
