import type { PostgresPoolClient } from "kysely";
import type { QueryResult } from "pg";
import { errors } from "../../errors.js";
import { sentWithNext } from "./port.js";
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

interface Statement {
  readonly text: string;
  readonly values?: unknown[];
  readonly name?: string;
}

/**
 * A connection as the port wants it. Timeouts and role are set for each
 * transaction, never for the session, so that a pooler may hand every
 * transaction to another connection. That costs no round trip: what opens a
 * transaction waits for its first statement and is sent together with it, as a
 * statement that ends with `sentWithNext` waits for the next one, and a
 * statement of its own travels with its BEGIN and COMMIT.
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
  /** What has been accepted and not been sent: BEGIN, and statements that go with the next. */
  let held: Statement[] = [];
  let latest: Promise<unknown> = Promise.resolve();

  /** Sends statements at once; the first failure tells of all, and is told when all are answered or lost. */
  const send = (batch: readonly Statement[]): Promise<QueryResult[]> => {
    const timer = setTimeout(() => connection.cut(), scope.statementTimeoutMs + graceMs).unref();
    const answers = connection.together(() => batch.map((statement) => connection.query(statement)));
    return options.watch(Promise.all(answers)).finally(() => clearTimeout(timer));
  };

  const statementOf = (sql: string, values: readonly unknown[]): Statement => {
    if (values.length === 0) return { text: sql };
    const name = statements.nameOf(sql);
    return { text: sql, values: [...values], ...(name !== undefined && { name }) };
  };

  const hold = (statement: Statement, command: string, rowCount: number) => {
    open = true;
    held.push(statement);
    return { command, rowCount, rows: [] };
  };

  const within = async (statement: Statement) => {
    const batch = [...held, statement];
    held = [];
    try {
      return (await send(batch)).at(-1) as QueryResult;
    } catch (error) {
      if (isStalePlan(error)) for (const { text } of batch) statements.renew(text);
      throw error;
    }
  };

  const alone = async (sql: string, values: readonly unknown[]) => {
    if (values.length === 0) return (await send([{ text: `${preamble}; ${sql}` }]))[0] as QueryResult;
    const batch = [{ text: `begin; ${preamble}` }, statementOf(sql, values), { text: "commit" }];
    return (await send(batch))[1] as QueryResult;
  };

  const execute = async (sql: string, values: readonly unknown[]) => {
    if (open) return within(statementOf(sql, values));
    try {
      return await alone(sql, values);
    } catch (error) {
      if (!isStalePlan(error)) throw error;
      statements.renew(sql);
      return alone(sql, values);
    }
  };

  const run = async (sql: string, values: readonly unknown[]) => {
    if (!open && isBegin(sql)) return hold({ text: `${sql}; ${preamble}` }, "BEGIN", 0);
    if (open && sql.endsWith(sentWithNext)) return hold(statementOf(sql, values), "INSERT", 1);
    try {
      const result = lastResult(await execute(sql, values));
      open = connection.getTransactionStatus() !== "I";
      refuseSilentRollback(sql, result.command);
      return result;
    } catch (error) {
      // A failed statement is told before the state that it left, which the next answer brings.
      await send([{ text: "" }]).catch(() => undefined);
      open = connection.getTransactionStatus() !== "I";
      broken ||= connection.lost;
      throw statementFailure(error, connection.lost);
    }
  };

  const finish = async () => {
    await latest.catch(() => undefined);
    held = [];
    if (connection.getTransactionStatus() !== "I" && !broken) await send([{ text: "rollback" }]);
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
