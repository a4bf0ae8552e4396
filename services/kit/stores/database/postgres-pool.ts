import type { PostgresPoolClient } from "kysely";
import pg from "pg";
import type { Clock } from "../../clock.js";
import { availability } from "./availability.js";
import { connectionQueue } from "./connection-queue.js";
import { postgresClient, type Scope } from "./postgres-client.js";
import { databaseUnavailable, isFull } from "./postgres-errors.js";
import { PostgresConnection } from "./postgres-socket.js";
import type { PreparedStatements } from "./prepared-statements.js";

/** Connections to one server. */
export interface ServerPool {
  /** A connection within a scope; see `Database` for how it rejects. */
  connect(scope: Scope, signal?: AbortSignal): Promise<PostgresPoolClient>;
  /** Lets holders finish, within the time that one may wait for a connection, and ends. */
  end(): Promise<void>;
}

export interface ServerPoolOptions {
  readonly config: pg.ClientConfig;
  /** Most connections; one more comes and goes when the server seems to be away. */
  readonly size: number;
  readonly queueLimit: number;
  readonly waitMs: number;
  readonly connectTimeoutMs: number;
  /** Silence after which the server is asked whether it is there, in milliseconds. */
  readonly suspectMs: number;
  /** How long it may take to answer that, in milliseconds. */
  readonly probeMs: number;
  /** Time between such questions while it is away, in milliseconds. */
  readonly retryMs: number;
  readonly statements: PreparedStatements;
  readonly clock: Clock;
}

const idleMs = 30_000;
// So that connections spread again over servers behind one address.
const lifetimeSeconds = 1800;

/**
 * Pools connections to a server. When the server is away, those who wait or work
 * are told at once and their connections are cut; who comes later is refused
 * without waiting, until the server answers again.
 */
export function serverPool(options: ServerPoolOptions): ServerPool {
  const { connectTimeoutMs, size, queueLimit, waitMs } = options;
  const queue = connectionQueue({ size, limit: queueLimit, waitMs });
  const held = new Set<PostgresConnection>();
  let pool = newPool(options);
  const server = availability({
    ...options,
    probe: () => probe(options),
    onAway(cause) {
      queue.refuseWaiting(cause);
      for (const connection of held) connection.cut();
      discard(pool);
      pool = newPool(options);
    },
    onBack: () => undefined,
  });

  const open = async () => {
    const from = pool;
    try {
      const connection = (await from.connect()) as unknown as PostgresConnection & pg.PoolClient;
      held.add(connection);
      return connection;
    } catch (error) {
      // The server may be fine and this pool have ended meanwhile.
      if (from === pool && !isFull(error)) server.suspect();
      throw databaseUnavailable(error);
    }
  };

  return {
    async connect(scope, signal) {
      if (server.away) throw databaseUnavailable(server.away.cause);
      await queue.enter(signal);
      try {
        const connection = await open();
        const giveBack = (broken: boolean) => {
          held.delete(connection);
          if (broken) server.suspect();
          connection.release(broken);
          queue.leave();
        };
        return postgresClient(connection, {
          scope,
          statements: options.statements,
          watch: server.watch,
          giveBack,
        });
      } catch (error) {
        queue.leave();
        throw error;
      }
    },
    async end() {
      await queue.close();
      server.close();
      for (const connection of held) connection.cut();
      await ended(pool, connectTimeoutMs);
    },
  };
}

function newPool({ config, size, connectTimeoutMs }: ServerPoolOptions): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    Client: PostgresConnection,
    pipeline: true,
    max: size,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: idleMs,
    maxLifetimeSeconds: lifetimeSeconds,
  });
  // Idle connections that end are replaced when they are needed.
  pool.on("error", () => undefined);
  return pool;
}

function discard(pool: pg.Pool): void {
  pool.end().catch(() => undefined);
}

/** A hung server never says goodbye. */
async function ended(pool: pg.Pool, waitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs);
  });
  await Promise.race([pool.end(), late]).finally(() => clearTimeout(timer));
}

/** Asks the server for an answer on a new connection. One that has too many connections is there. */
async function probe({ config, probeMs }: ServerPoolOptions): Promise<void> {
  const connection = new PostgresConnection(config);
  const timer = setTimeout(() => connection.cut(), probeMs);
  try {
    await connection.connect();
    await connection.query("select 1");
  } catch (error) {
    if (!isFull(error)) throw error;
  } finally {
    clearTimeout(timer);
    connection.cut();
  }
}
