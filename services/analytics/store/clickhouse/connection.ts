import {
  type ClickHouseClient,
  ClickHouseError,
  type ClickHouseSettings,
  createClient,
} from "@clickhouse/client";
import { boundedSignal } from "../../../kit/abortable-delay.js";
import { errors } from "../../../kit/errors.js";
import type { Statement } from "../sql/dialect.js";
import { namedParameters } from "./dialect.js";

export interface ClickhouseAddress {
  /** Of the HTTP interface, such as `https://clickhouse:8443`, without user and password. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Which is there already, and in which tables may be made. */
  readonly database: string;
}

export interface Limits {
  /** Milliseconds. */
  readonly timeMs: number;
  /** Groups of any step of the statement. */
  readonly groups?: number;
  /** Memory on the server, in megabytes. */
  readonly memoryMb: number;
  readonly signal?: AbortSignal | undefined;
}

/** Statements to a server, with its errors as ours. */
export interface Connection {
  /** The rows of the answer, values in the order of columns. */
  read(statement: Statement, limits: Limits): Promise<unknown[][]>;
  /** Changes tables. */
  change(statement: Statement): Promise<void>;
  insert(table: string, rows: readonly unknown[]): Promise<void>;
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** How long after its own limit a server may take to say so, in milliseconds. */
const graceMs = 5000;
/** How long a change, and an insert, may take, in milliseconds. */
const changeMs = 60_000;

/** One block, kept before the server answers, of however many months, and nothing in place of what lacks. */
const insertSettings: ClickHouseSettings = {
  async_insert: 0,
  max_partitions_per_insert_block: "0",
  input_format_null_as_default: 0,
};

const never = new AbortController().signal;

export function connect(address: ClickhouseAddress): Connection {
  // Deadlines are those of each request; this one only has to be longer.
  const client = createClient({ ...address, request_timeout: 600_000, log: { level: 127 } });
  return {
    async read(statement, limits) {
      const query = { query: statement.sql, query_params: namedParameters(statement.parameters) };
      return bounded(limits.timeMs, limits, async (abort_signal) => {
        const clickhouse_settings = readSettings(limits);
        const format = "JSONCompactEachRow";
        const answer = await client.query({ ...query, format, clickhouse_settings, abort_signal });
        return answer.json<unknown[]>();
      });
    },
    async change({ sql, parameters }) {
      const query = { query: sql, query_params: namedParameters(parameters) };
      await bounded(changeMs, {}, (abort_signal) => client.command({ ...query, abort_signal }));
    },
    async insert(table, rows) {
      if (rows.length === 0) return;
      await bounded(changeMs, {}, (abort_signal) =>
        client.insert({
          table,
          values: rows,
          format: "JSONEachRow",
          clickhouse_settings: insertSettings,
          abort_signal,
        }),
      );
    },
    ping: (signal) => ping(client, signal),
    close: () => client.close(),
  };
}

function readSettings({ timeMs, groups, memoryMb }: Limits): ClickHouseSettings {
  return {
    readonly: "2",
    final: 1,
    do_not_merge_across_partitions_select_final: 1,
    join_use_nulls: 1,
    max_execution_time: timeMs / 1000,
    max_memory_usage: String(memoryMb * 1_000_000),
    ...(groups !== undefined && { max_rows_to_group_by: String(groups), group_by_overflow_mode: "throw" }),
    // So that errors come before the answer, and whoever has gone is not worked for.
    wait_end_of_query: 1,
    cancel_http_readonly_queries_on_client_close: 1,
  };
}

async function ping(client: ClickHouseClient, signal: AbortSignal): Promise<void> {
  const answer = await client.ping({ select: true, abort_signal: signal });
  if (!answer.success) throw errors.dependencyUnavailable({ dependency: "ClickHouse" }, answer.error);
}

async function bounded<R>(
  timeMs: number,
  limits: Partial<Limits>,
  work: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  limits.signal?.throwIfAborted();
  const late = errors.queryTooExpensive({ bound: `${timeMs / 1000} s` });
  const bound = boundedSignal(timeMs + graceMs, limits.signal ?? never, () => late);
  try {
    return await work(bound.signal);
  } catch (error) {
    if (bound.signal.aborted) throw bound.signal.reason;
    throw translated(error, timeMs, limits);
  } finally {
    bound.release();
  }
}

/** Types of errors are part of ClickHouse's interface, as their codes are. */
function translated(error: unknown, timeMs: number, { groups, memoryMb }: Partial<Limits>): Error {
  if (!(error instanceof ClickHouseError)) {
    return errors.dependencyUnavailable({ dependency: "ClickHouse" }, error);
  }
  switch (error.type) {
    case "TIMEOUT_EXCEEDED":
    case "TOO_SLOW":
      return errors.queryTooExpensive({ bound: `${timeMs / 1000} s` });
    case "TOO_MANY_ROWS":
      return errors.queryTooExpensive({ bound: `${groups} groups` });
    case "MEMORY_LIMIT_EXCEEDED":
      return errors.queryTooExpensive({ bound: `${memoryMb} MB of memory` });
    case "TOO_MANY_SIMULTANEOUS_QUERIES":
      return errors.dependencyUnavailable({ dependency: "ClickHouse" }, error);
    default:
      return errors.internal(error);
  }
}
