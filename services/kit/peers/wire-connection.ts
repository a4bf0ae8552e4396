import type { OutgoingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import type { ReplyHeaders } from "./wire-reply.js";

/** What one connection to a server may do. Durations are in milliseconds. */
export interface SessionLimits {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Silence after which a connection is asked whether it stands. */
  readonly pingIntervalMs: number;
  /** How long it may take to say so. */
  readonly pingTimeoutMs: number;
  /** How long a connection stays without calls. */
  readonly idleMs: number;
  /** Calls at once on one connection, where the server does not allow fewer. */
  readonly streams: number;
  /** Bytes that a server may send on one stream, or on all, before they have been read. */
  readonly streamWindowBytes: number;
  readonly sessionWindowBytes: number;
}

/** Hears what becomes of a unary call: last, and once, either that it has ended or of an error. */
export interface WireListener {
  onHeaders(headers: ReplyHeaders): void;
  onData(chunk: Buffer): void;
  onTrailers(trailers: ReplyHeaders): void;
  /** The answer is complete, as far as HTTP/2 can tell. */
  onEnd(): void;
  /** `unsent` when no server can have begun with the call. */
  onError(error: ConnectError, unsent: boolean): void;
}

/** A call that is under way. */
export interface WireStream {
  /** Tells the server that nobody waits; the listener hears nothing more. Of no effect afterwards. */
  cancel(): void;
}

/** Who hears what becomes of a connection. Nothing is told before it has been made, or after `onClosed`. */
export interface ConnectionOwner {
  /** It stands, and takes calls. */
  onConnected(): void;
  /** The server has shown that it lives. */
  onHeard(): void;
  /** How many calls at once the server takes. */
  onGranted(calls: number): void;
  /** One of its calls is over. */
  onReleased(): void;
  /** It has become able to take calls again. */
  onFree(): void;
  /** It takes no more calls, and finishes those that it has. */
  onLeaving(): void;
  /** It has ended; with an error where it failed, rather than was asked to. */
  onClosed(error: Error | undefined): void;
}

/** An HTTP/2 connection, without any policy. */
export interface WireConnection {
  /** Whether it can take a call now. */
  readonly accepts: boolean;
  /**
   * Begins a unary call; the listener hears nothing before this returns.
   * Throws for headers that cannot be sent, and an error of which
   * `isUnsentRequest` is true when the connection has just ended.
   */
  begin(headers: OutgoingHttpHeaders, frame: Uint8Array, listener: WireListener): WireStream;
  /** Asks the server for a sign of life. */
  ping(onAnswer: () => void): void;
  /** Whether it keeps the process from ending. */
  ref(): void;
  unref(): void;
  /** Takes no more calls, and ends with the last. */
  close(): void;
  /** Ends at once. */
  destroy(error?: Error): void;
}

/** How a connection is made. */
export interface ConnectOptions {
  readonly limits: SessionLimits;
  readonly owner: ConnectionOwner;
  /** Certificates, for addresses that are `https`. */
  readonly secure?: SecureClientSessionOptions | undefined;
}

/** Opens a connection to an origin such as `http://[::1]:8001`. */
export type Connect = (origin: string, options: ConnectOptions) => WireConnection;
