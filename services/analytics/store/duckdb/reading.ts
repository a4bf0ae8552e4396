import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBInstance,
  type DuckDBResultReader,
  type DuckDBType,
  type DuckDBValue,
  LIST,
  listValue,
  TIMESTAMP,
  VARCHAR,
} from "@duckdb/node-api";
import { errors } from "../../../kit/errors.js";
import { connectionQueue } from "../../../kit/stores/database/connection-queue.js";
import type { Parameter, ParameterType, Statement } from "../sql/dialect.js";
import { timeValue } from "./columns.js";

export interface ReadLimits {
  /** Milliseconds after which a statement is interrupted. */
  readonly timeMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs statements that change nothing, few at once. */
export interface Reading {
  /**
   * The answer, all of it. Rejects with QUERY_TOO_EXPENSIVE when it takes more
   * than the time or the memory there is, with OVERLOADED when too many wait
   * already, and with the signal's reason.
   */
  run(statement: Statement, limits: ReadLimits): Promise<DuckDBResultReader>;
  /** Ends what runs as QUERY_TOO_EXPENSIVE, and resolves when its memory is free. */
  interrupt(): Promise<void>;
  /** Refuses who comes, ends what runs, and resolves when nothing does any more. */
  close(): Promise<void>;
}

export interface ReadingOptions {
  readonly instance: DuckDBInstance;
  readonly memoryMb: number;
  /** Statements that run at once. */
  readonly concurrency: number;
  /** Statements that wait; more are refused. */
  readonly queueLimit: number;
  /** How long one may wait, in milliseconds. */
  readonly waitMs: number;
}

/** A statement between two of its steps does not notice an interrupt, so it is told again. */
const againMs = 20;

interface Running {
  end(cause: Error): void;
  readonly ended: Promise<void>;
}

export function reading({ instance, memoryMb, concurrency, queueLimit, waitMs }: ReadingOptions): Reading {
  const queue = connectionQueue({ size: concurrency, limit: queueLimit, waitMs });
  const idle: DuckDBConnection[] = [];
  const running = new Set<Running>();
  let closed = false;
  const memory = () => errors.queryTooExpensive({ bound: `${memoryMb} MB of memory` });
  const gone = () => errors.dependencyUnavailable({ dependency: "Analytics" });

  const execute = async (connection: DuckDBConnection, statement: Statement, limits: ReadLimits) => {
    const watched = watch(connection, limits);
    running.add(watched);
    if (closed) watched.end(gone());
    try {
      return await connection.runAndReadAll(
        statement.sql,
        statement.parameters.map(bound),
        statement.parameters.map(({ type }) => types[type]),
      );
    } catch (error) {
      throw watched.cause ?? (isOutOfMemory(error) ? memory() : errors.internal(error));
    } finally {
      watched.stop();
      running.delete(watched);
    }
  };

  return {
    async run(statement, limits) {
      await queue.enter(limits.signal);
      try {
        const connection = idle.pop() ?? (await instance.connect());
        return await execute(connection, statement, limits).finally(() => idle.push(connection));
      } finally {
        queue.leave();
      }
    },
    async interrupt() {
      for (const each of running) each.end(memory());
      await Promise.all([...running].map(({ ended }) => ended));
    },
    async close() {
      closed = true;
      for (const each of running) each.end(gone());
      await queue.close();
      for (const connection of idle) connection.closeSync();
    },
  };
}

export function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Out of Memory");
}

/** Interrupts a connection after a time, on a signal, or when told to, and knows why. */
function watch(connection: DuckDBConnection, { timeMs, signal }: ReadLimits) {
  let cause: unknown;
  let again: NodeJS.Timeout | undefined;
  const end = (reason: unknown) => {
    cause ??= reason;
    connection.interrupt();
    again ??= setInterval(() => connection.interrupt(), againMs);
  };
  let stopped = () => {};
  const ended = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  const onAbort = () => end(signal?.reason);
  const timer = setTimeout(() => end(errors.queryTooExpensive({ bound: `${timeMs / 1000} s` })), timeMs);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return {
    get cause() {
      return cause;
    },
    end,
    ended,
    stop() {
      stopped();
      clearTimeout(timer);
      clearInterval(again);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

const types: Readonly<Record<ParameterType, DuckDBType>> = {
  text: VARCHAR,
  texts: LIST(VARCHAR),
  number: DOUBLE,
  integer: BIGINT,
  time: TIMESTAMP,
};

function bound(parameter: Parameter): DuckDBValue {
  switch (parameter.type) {
    case "texts":
      return listValue(parameter.value);
    case "time":
      return timeValue(parameter.value);
    case "integer":
      return BigInt(parameter.value);
    default:
      return parameter.value;
  }
}
