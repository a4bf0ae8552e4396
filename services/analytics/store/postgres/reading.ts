import type { PostgresPool, PostgresPoolClient } from "kysely";
import { errors } from "../../../kit/errors.js";
import type { Statement } from "../sql/dialect.js";
import { parameterValue } from "./dialect.js";

export interface ReadLimits {
  /** Milliseconds after which the server ends the statement. */
  readonly timeMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a statement that changes nothing. */
export type Read = (statement: Statement, limits: ReadLimits) => Promise<readonly Record<string, unknown>[]>;

/** Memory of each step of a statement that sorts or hashes; what takes more goes to the server's disk. */
const workMemory = "64MB";

/** SQLSTATEs of statements that need more memory, disk or temporary files than there is. */
const exhausted: ReadonlySet<unknown> = new Set(["53100", "53200", "53400"]);

/**
 * Statements in read-only transactions with bounds of their own. Rejects with
 * QUERY_TOO_EXPENSIVE when a bound is reached, and with the signal's reason when
 * that aborts, which cancels the statement on the server.
 */
export function reading(pool: PostgresPool): Read {
  return async (statement, limits) => {
    limits.signal?.throwIfAborted();
    const client = await pool.connect();
    const cancelling = canceller(pool, limits.signal);
    try {
      cancelling.begin(await beginBounded(client, limits.timeMs));
      const parameters = statement.parameters.map(parameterValue);
      const { rows } = await client.query<Record<string, unknown>>(statement.sql, parameters);
      await client.query("commit", []);
      return rows;
    } catch (error) {
      limits.signal?.throwIfAborted();
      throw refusal(error, limits.timeMs);
    } finally {
      await cancelling.end();
      client.release();
    }
  };
}

/** Opens the transaction and returns the id of the server's process that runs it. */
async function beginBounded(client: PostgresPoolClient, timeMs: number): Promise<number> {
  await client.query("begin", []);
  const settings = {
    statement_timeout: String(Math.max(1, Math.ceil(timeMs))),
    transaction_read_only: "on",
    work_mem: workMemory,
    // A plan for any time and tenant reads too much; compiling to machine code takes longer than it saves.
    plan_cache_mode: "force_custom_plan",
    jit: "off",
  };
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  const { rows } = await client.query<{ pid: number }>(
    `select ${calls.join(", ")}, pg_backend_pid() as pid`,
    [],
  );
  return rows[0]?.pid ?? 0;
}

function refusal(error: unknown, timeMs: number): unknown {
  const code = stateOf(error);
  if (code === "57014") return errors.queryTooExpensive({ bound: `${timeMs / 1000} s` });
  if (exhausted.has(code)) return errors.queryTooExpensive({ bound: "the memory there is" });
  return error;
}

/** The SQLSTATE of an error, or of what it was made of. */
function stateOf(error: unknown): unknown {
  if (!(error instanceof Error)) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : stateOf(error.cause);
}

/**
 * Asks the server, on another connection, to cancel what a process runs. The
 * process stays ours until `end` has resolved, so that nobody else's statement
 * is hit. Where there is one connection alone, nothing is cancelled.
 */
function canceller(pool: PostgresPool, signal: AbortSignal | undefined) {
  let pid: number | undefined;
  let asked: Promise<void> | undefined;
  let ended = false;
  const cancel = async () => {
    const client = await pool.connect();
    try {
      if (ended || pid === undefined) return;
      // In the name of the login, whose processes these are, and not in its role.
      asked = client.query(`set local role none; select pg_cancel_backend(${pid})`, []).then(() => undefined);
      await asked;
    } finally {
      client.release();
    }
  };
  const onAbort = () => void cancel().catch(() => undefined);
  return {
    begin(process: number) {
      pid = process;
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
    },
    async end() {
      ended = true;
      signal?.removeEventListener("abort", onAbort);
      await asked?.catch(() => undefined);
    },
  };
}
