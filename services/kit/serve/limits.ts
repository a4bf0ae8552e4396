import { defaultRequestLimits } from "./request-limits.js";

/** What a listener grants to the connections it accepts. Durations are in milliseconds. */
export interface ListenLimits {
  /** From the accepted connection to the bytes that tell the protocol, and for the TLS handshake. */
  readonly prefaceTimeoutMs: number;
  /** HTTP/1.1: from the start of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** HTTP/1.1: how long a connection may wait for its next request. */
  readonly keepAliveTimeoutMs: number;
  /**
   * HTTP/1.1: how long a connection may carry no byte, even during a request. HTTP/2: how long a
   * session may stay without a stream; one with streams is pinged as often.
   */
  readonly idleTimeoutMs: number;
  /**
   * Size of a request's headers, uncompressed, and of its path with the query. Up to twice as much
   * still reaches the handler, which can say more about it than a connection.
   */
  readonly maxHeaderBytes: number;
  readonly maxHeaderFields: number;
  readonly maxUrlBytes: number;
  /** Connections at once; further ones are closed on arrival. */
  readonly maxConnections: number;
  /** The same for one address; 0 where everybody comes by a proxy's. */
  readonly maxConnectionsPerAddress: number;
  /** HTTP/2: requests at once on one session. */
  readonly maxConcurrentStreams: number;
  /** HTTP/2: memory that one session may hold for headers, queues and windows, in megabytes. */
  readonly maxSessionMemoryMb: number;
  /** HTTP/2: bytes that a stream may send before the handler has read them. */
  readonly streamWindowBytes: number;
  /** HTTP/2: the same for all streams of a session together. */
  readonly sessionWindowBytes: number;
}

/** Limits that suit a service behind a proxy as well as one at the edge. */
export const defaultListenLimits: ListenLimits = {
  // A client speaks first in each of our protocols, so one lost packet and its repetition fit.
  prefaceTimeoutMs: 5_000,
  // Headers come in one flight; ten seconds forgive a bad mobile network and starve a slow-loris.
  headersTimeoutMs: 10_000,
  // Longer than the 60 s of common load balancers: whoever closes first must not be the server.
  keepAliveTimeoutMs: 65_000,
  // Long for a quiet stream, and gRPC clients reconnect by themselves.
  idleTimeoutMs: 300_000,
  maxHeaderBytes: defaultRequestLimits.headerBytes,
  maxHeaderFields: defaultRequestLimits.headerFields,
  maxUrlBytes: defaultRequestLimits.urlBytes,
  // Far below the usual limit of 65,536 descriptors, with room for stores and peers.
  maxConnections: 10_000,
  // Nobody takes more than a fifth of them, and an office behind one address has enough.
  maxConnectionsPerAddress: 2_000,
  // The least that RFC 9113 section 6.5.2 recommends; proxies open another session for more.
  maxConcurrentStreams: 100,
  maxSessionMemoryMb: 10,
  // Larger than nearly every request, so that one flight carries it.
  streamWindowBytes: 262_144,
  sessionWindowBytes: 1_048_576,
};

/** The most bytes of path and headers together at which a connection still reads on. */
export function hardHeaderBytes({ maxHeaderBytes, maxUrlBytes }: ListenLimits): number {
  return 2 * (maxHeaderBytes + maxUrlBytes);
}
