import type { PostgresPool } from "kysely";
import type pg from "pg";
import { type Clock, systemClock } from "../../clock.js";
import type { Database } from "./port.js";
import type { Scope } from "./postgres-client.js";
import { databaseUnavailable } from "./postgres-errors.js";
import { type ServerPool, serverPool } from "./postgres-pool.js";
import { valueTypes } from "./postgres-types.js";
import { type PostgresAddress, verifyFull } from "./postgres-url.js";
import { preparedStatements, unprepared } from "./prepared-statements.js";
import { serviceRole } from "./roles.js";

export interface PostgresOptions {
  /** Where services connect. */
  readonly address: PostgresAddress;
  /** Where the owner of the schemas connects; as the services do when absent. */
  readonly owner?: PostgresAddress | undefined;
  /** Where a read-only copy is. */
  readonly replica?: PostgresAddress | undefined;
  /** Certificates that are trusted, in PEM; those of the system when absent. */
  readonly ca?: string | undefined;
  /** How this process is called in `pg_stat_activity`. */
  readonly applicationName: string;
  /** Most connections to each server. */
  readonly poolSize: number;
  /** How many may wait for a connection; more are refused. */
  readonly queueLimit?: number;
  /** How long one may wait for a connection, in milliseconds. */
  readonly waitMs?: number;
  readonly connectTimeoutMs?: number;
  /** How long a statement may take, in milliseconds, and how long a transaction may lie idle. */
  readonly statementTimeoutMs?: number;
  /** How long a statement of the owner may take, in milliseconds. */
  readonly migrationTimeoutMs?: number;
  /** False behind a pooler that keeps no prepared statements in transaction mode, such as PgBouncer before 1.21. */
  readonly preparedStatements?: boolean;
  readonly clock?: Clock;
}

const defaults = {
  queueLimit: 1024,
  waitMs: 5000,
  connectTimeoutMs: 2000,
  statementTimeoutMs: 30_000,
  migrationTimeoutMs: 600_000,
};

/** The owner migrates and makes partitions, one thing at a time. */
const ownerConnections = 2;

/** How fast a server that is away is noticed: after 1.5 s at most, and again 1.5 s after its return. */
const attention = { suspectMs: 500, probeMs: 1000, retryMs: 500 };

/**
 * PostgreSQL over the network, directly or behind a pooler in transaction mode.
 * Opens no connection until one is needed, so it never rejects.
 */
export function openPostgres(options: PostgresOptions): Database {
  const { address, owner, replica } = options;
  const services = poolOf(options, address, options.poolSize);
  const owners = owner ? poolOf(options, owner, ownerConnections) : services;
  const statementTimeoutMs = options.statementTimeoutMs ?? defaults.statementTimeoutMs;
  const ownerTimeoutMs = options.migrationTimeoutMs ?? defaults.migrationTimeoutMs;
  const own = databaseOver({ services, owners, statementTimeoutMs, ownerTimeoutMs });
  const database = owner ? { ...own, login: address.user } : own;
  if (!replica) return database;
  const copies = poolOf(options, replica, options.poolSize);
  const copy = databaseOver({ services: copies, owners: copies, statementTimeoutMs, readOnly: true });
  const end = async () => {
    await Promise.all([database.end(), copy.end()]);
  };
  return { ...database, end, replica: copy };
}

interface Pools {
  readonly services: ServerPool;
  readonly owners: ServerPool;
  readonly statementTimeoutMs: number;
  readonly ownerTimeoutMs?: number;
  readonly readOnly?: boolean;
}

function databaseOver(pools: Pools): Database {
  const {
    services,
    owners,
    statementTimeoutMs,
    ownerTimeoutMs = statementTimeoutMs,
    readOnly = false,
  } = pools;
  const scope: Scope = { statementTimeoutMs, readOnly };
  let ending: Promise<unknown> | undefined;
  const end = async () => {
    ending ??= Promise.all([...new Set([services, owners])].map((pool) => pool.end()));
    await ending;
  };
  const forSchema = (schema: string): PostgresPool => {
    const narrowed = { ...scope, role: serviceRole(schema) };
    return { connect: () => services.connect(narrowed), end };
  };
  const ask = async (signal?: AbortSignal) => {
    const client = await services.connect(scope, signal);
    await client.query("select 1", []).finally(() => client.release());
  };
  return {
    connect: () => owners.connect({ ...scope, statementTimeoutMs: ownerTimeoutMs }),
    forSchema,
    end,
    ping: (signal) => untilAborted(ask(signal), signal),
  };
}

/** What was begun goes on unheard: a statement cannot be taken back. */
async function untilAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return work;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(databaseUnavailable(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}

function poolOf(options: PostgresOptions, address: PostgresAddress, size: number): ServerPool {
  return serverPool({
    ...defaults,
    ...attention,
    ...defined(options),
    size,
    config: clientConfig(options, address),
    statements: options.preparedStatements === false ? unprepared : preparedStatements(),
    clock: options.clock ?? systemClock,
  });
}

function defined({ queueLimit, waitMs, connectTimeoutMs }: PostgresOptions) {
  return {
    ...(queueLimit !== undefined && { queueLimit }),
    ...(waitMs !== undefined && { waitMs }),
    ...(connectTimeoutMs !== undefined && { connectTimeoutMs }),
  };
}

function clientConfig(options: PostgresOptions, address: PostgresAddress): pg.ClientConfig {
  const { host, port, user, database } = address;
  return {
    host,
    port,
    user,
    database,
    // Else pg would look for one in the environment and in files.
    password: address.password ?? "",
    ssl: address.tls ? verifyFull(address, options.ca) : false,
    application_name: options.applicationName,
    keepAlive: true,
    types: valueTypes,
  };
}
