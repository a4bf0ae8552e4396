import type { SecureClientSessionOptions } from "node:http2";
import { errors } from "../errors.js";
import { connectFraming } from "./framing/connect.js";
import { connectNode } from "./node-connection.js";
import type { Connect, SessionLimits } from "./wire-connection.js";
import { connectionError, cut } from "./wire-errors.js";
import { WireSession } from "./wire-session.js";

/** What speaks HTTP/2 to servers, by the names that configuration has. */
export const http2Clients = { node: connectNode, own: connectFraming } satisfies Record<string, Connect>;

/**
 * `node` is node:http2. `own` is framing of our own, with which the generic
 * gateway takes a third of the CPU; it has been tried against node:http2, grpc-js,
 * Go and Envoy, but not yet in production. It is for unary calls alone, whose
 * message is there as a whole. It takes no pushes, sends neither padding nor
 * Huffman-coded headers, and does not time the acknowledgement of its settings
 * (RFC 9113, section 6.5.3): a server that never sends it is found out by pings.
 */
export type Http2Client = keyof typeof http2Clients;

/** The clients that there are. */
export const http2ClientNames = Object.keys(http2Clients) as Http2Client[];

/** What all connections to one address may do together. */
export interface PoolLimits extends SessionLimits {
  /** Connections at once; a further one is opened when all have as many calls as they take. */
  readonly sessions: number;
  /** Calls that may wait for a connection; further ones are refused with OVERLOADED. */
  readonly queued: number;
}

/** Limits that suit a peer in the same network. */
export const defaultPoolLimits: PoolLimits = {
  connectMs: 5_000,
  pingIntervalMs: 5_000,
  pingTimeoutMs: 2_000,
  idleMs: 900_000,
  streams: 100,
  streamWindowBytes: 1_048_576,
  sessionWindowBytes: 16_777_216,
  sessions: 8,
  queued: 1_024,
};

/** A call that waits for a connection. Exactly one of the two is called, unless it leaves the queue before. */
export interface Waiter {
  take(session: WireSession): void;
  refuse(error: Error): void;
}

/** The connections to one address. */
export interface WirePool {
  /** A connection that takes a call at once; undefined when a call has to wait. */
  pick(): WireSession | undefined;
  /** Puts a call into the queue; returns how it leaves. */
  wait(waiter: Waiter): () => void;
  close(): void;
}

/** Makes a pool that opens connections as calls need them. */
export function createWirePool(options: {
  /** Scheme, host and port. */
  readonly origin: string;
  readonly limits: PoolLimits;
  /** How connections are made; unless stated, by node:http2. */
  readonly connect?: Connect;
  /** Certificates, for origins that are `https`. */
  readonly secure?: SecureClientSessionOptions | undefined;
}): WirePool {
  const { origin, limits, connect = connectNode, secure } = options;
  const sessions = new Set<WireSession>();
  const queue = new Set<Waiter>();

  const open = () =>
    sessions.add(new WireSession(origin, { connect, limits, secure, owner: { onFree: serve, onEnded } }));

  const serve = (session: WireSession) => {
    for (const waiter of queue) {
      if (session.room <= 0) return;
      queue.delete(waiter);
      waiter.take(session);
    }
  };

  const onEnded = (session: WireSession, error: Error | undefined) => {
    sessions.delete(session);
    if (queue.size === 0) return;
    // What stood before has a successor; what was never had would fail again at once.
    if (error === undefined || session.stood) grow();
    else if (![...sessions].some((other) => other.waiting || other.active > 0)) refuseAll(error);
  };

  const refuseAll = (error: Error) => {
    const waiters = [...queue];
    queue.clear();
    for (const waiter of waiters) waiter.refuse(connectionError(error));
  };

  const grow = () => {
    for (const session of sessions) if (session.waiting) return;
    if (sessions.size < limits.sessions) open();
  };

  const pick = (): WireSession | undefined => {
    let best: WireSession | undefined;
    for (const session of sessions) {
      if (session.room > 0 && (!best || session.active < best.active)) best = session;
    }
    return best?.verified() ? best : undefined;
  };

  return {
    pick,
    wait(waiter) {
      if (queue.size >= limits.queued) {
        waiter.refuse(errors.overloaded({ workload: origin, limit: limits.queued }));
        return () => undefined;
      }
      queue.add(waiter);
      grow();
      return () => queue.delete(waiter);
    },
    close() {
      // First, as a session that ends makes room for who waits.
      refuseAll(cut("nobody calls any more"));
      for (const session of sessions) session.close();
    },
  };
}
