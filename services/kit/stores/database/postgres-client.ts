import type { PostgresPoolClient } from "kysely";
import type { QueryResult } from "pg";
import { errors } from "../../errors.js";
import { isStalePlan, statementFailure } from "./postgres-errors.js";
import type { PostgresConnection } from "./postgres-socket.js";
import type { PreparedStatements } from "./prepared-statements.js";

/** What every transaction of a client is held to. */
export interface Scope {
  /** Role whose rights it has; those of the login when absent. */
  readonly role?: string;
  readonly readOnly?: boolean;
  readonly statementTimeoutMs: number;
}

export interface PostgresClientOptions {
  readonly scope: Scope;
  readonly statements: PreparedStatements;
  /** Looks after the server while it is waited for. */
  watch<R>(work: Promise<R>): Promise<R>;
  /** Takes the connection back; one that is broken is not used again. */
  giveBack(broken: boolean): void;
}

/** How long after its own timeout the server may take to say so, in milliseconds. */
const graceMs = 5000;

/**
 * A connection as the port wants it. Timeouts and role are set for each
 * transaction, never for the session, so that a pooler may hand every
 * transaction to another connection. That costs no round trip: what opens a
 * transaction is sent together with its first statement, and a statement of its
 * own travels with its BEGIN and COMMIT.
 */
export function postgresClient(
  connection: PostgresConnection,
  options: PostgresClientOptions,
): PostgresPoolClient {
  const { scope, statements } = options;
  const preamble = scopeStatement(scope);
  let released = false;
  let broken = false;
  let open = false;
  /** A BEGIN that has been sent and not been waited for. */
  let begun: Promise<unknown> | undefined;
  let latest: Promise<unknown> = Promise.resolve();

  const send = (text: string, values?: readonly unknown[], name?: string): Promise<QueryResult> => {
    const timer = setTimeout(() => connection.cut(), scope.statementTimeoutMs + graceMs).unref();
    const query = values ? { text, values: [...values], ...(name && { name }) } : { text };
    const answer = options.watch(connection.query(query)).finally(() => clearTimeout(timer));
    // Several are under way at once, and the first failure tells of all.
    answer.catch(() => undefined);
    return answer;
  };

  const begin = (sql: string) => {
    open = true;
    begun = send(`${sql}; ${preamble}`);
    begun.catch(() => undefined);
    return { command: "BEGIN", rowCount: 0, rows: [] };
  };

  const within = async (sql: string, values: readonly unknown[]) => {
    const before = begun;
    begun = undefined;
    const answer = values.length === 0 ? send(sql) : send(sql, values, statements.nameOf(sql));
    await before;
    return answer;
  };

  const alone = async (sql: string, values: readonly unknown[]) => {
    if (values.length === 0) return send(`${preamble}; ${sql}`);
    const steps = [send(`begin; ${preamble}`), send(sql, values, statements.nameOf(sql)), send("commit")];
    const [, answer] = await Promise.all(steps);
    return answer as QueryResult;
  };

  const execute = async (sql: string, values: readonly unknown[]) => {
    if (open) return within(sql, values);
    try {
      return await alone(sql, values);
    } catch (error) {
      if (!isStalePlan(error)) throw error;
      statements.renew(sql);
      return alone(sql, values);
    }
  };

  const run = async (sql: string, values: readonly unknown[]) => {
    if (!open && isBegin(sql)) return begin(sql);
    try {
      const result = lastResult(await execute(sql, values));
      open = connection.getTransactionStatus() !== "I";
      refuseSilentRollback(sql, result.command);
      return result;
    } catch (error) {
      if (isStalePlan(error)) statements.renew(sql);
      // A failed statement is told before the state that it left, which the next answer brings.
      await send("").catch(() => undefined);
      open = connection.getTransactionStatus() !== "I";
      broken ||= connection.lost;
      throw statementFailure(error, connection.lost);
    }
  };

  const finish = async () => {
    await latest.catch(() => undefined);
    if (open && !broken) await send("rollback");
  };

  return {
    query: ((sql: string, values: readonly unknown[] = []) => {
      if (released) return Promise.reject(errors.internal(new Error("the client has been released")));
      const result = latest.catch(() => undefined).then(() => run(sql, values));
      latest = result;
      return result;
    }) as PostgresPoolClient["query"],
    release() {
      if (released) return;
      released = true;
      finish().then(
        () => options.giveBack(broken || connection.lost),
        () => options.giveBack(true),
      );
    },
  };
}

// `set_config` with a third argument of true is SET LOCAL, without its warning outside of a block.
function scopeStatement({ role, readOnly, statementTimeoutMs }: Scope): string {
  const settings = {
    statement_timeout: String(statementTimeoutMs),
    idle_in_transaction_session_timeout: String(statementTimeoutMs),
    ...(readOnly && { transaction_read_only: "on" }),
    ...(role && { role }),
  };
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', true)`);
  return `select ${calls.join(", ")}`;
}

function isBegin(sql: string): boolean {
  return /^(begin|start transaction)( isolation level [a-z ]+)?$/i.test(sql.trim());
}

// pg answers several statements with a list.
function lastResult(answer: QueryResult | readonly QueryResult[]): QueryResult {
  const result = Array.isArray(answer) ? answer.at(-1) : answer;
  return { command: result.command, rowCount: result.rowCount ?? 0, rows: result.rows } as QueryResult;
}

// PostgreSQL answers COMMIT of a failed transaction with a mere ROLLBACK.
function refuseSilentRollback(sql: string, command: string): void {
  if (sql.trim().toLowerCase() !== "commit" || command !== "ROLLBACK") return;
  throw errors.internal(new Error("COMMIT rolled back: a statement of the transaction had failed"));
}
