import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Duplex } from "node:stream";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";
import { hardHeaderBytes, type ListenLimits } from "./limits.js";
import type { StreamHandler } from "./listen.js";
import { problemText, refusalStatus } from "./refusal.js";

/** The HTTP/2 side of a listener. */
export interface Http2 {
  /** Serves an accepted connection, whose first bytes may have been put back. */
  serve(socket: Duplex): void;
  /** Sends GOAWAY to every peer; a session ends when its last stream has ended. */
  drain(): void;
}

/** What the HTTP/2 side needs. */
export interface Http2Options {
  readonly limits: ListenLimits;
  readonly handler: (request: Http2ServerRequest, response: Http2ServerResponse) => void;
  /** Asked first for each stream. */
  readonly serveStream?: StreamHandler | undefined;
  readonly onError: (error: Error) => void;
  readonly clock: Clock;
}

/** How long a peer may take to leave after it was asked to, in milliseconds. */
const partingMs = 5_000;
/** Streams that a peer may reset at once, and how many more each second. */
const resets = { burst: 400, perSecond: 30 };

/** Serves HTTP/2 on connections that somebody else accepts. Floods of resets, pings and settings end the session. */
export function createHttp2({ limits, handler, serveStream, onError, clock }: Http2Options): Http2 {
  const sessions = new Map<ServerHttp2Session, Duplex>();
  let accepted: Duplex;
  let draining = false;
  const server = createServer({
    maxSessionMemory: limits.maxSessionMemoryMb,
    maxHeaderListPairs: 2 * limits.maxHeaderFields,
    maxSettings: 32,
    maxOutstandingPings: 10,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    settings: {
      maxConcurrentStreams: limits.maxConcurrentStreams,
      maxHeaderListSize: hardHeaderBytes(limits),
      initialWindowSize: limits.streamWindowBytes,
      enablePush: false,
    },
  });
  // Makes Node's request and response of a stream; never listens.
  const requests = createServer(handler);
  const onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    rawHeaders: string[],
  ) => {
    if (!hasOneAuthority(headers)) refuseMalformed(stream);
    else if (!serveStream?.(stream, headers, rawHeaders)) {
      requests.emit("stream", stream, headers, flags, rawHeaders);
    }
  };
  server.on("stream", onStream);
  server.on("sessionError", onError);
  server.on("session", (session) => {
    const socket = accepted;
    sessions.set(session, socket);
    socket.once("close", () => sessions.delete(session));
    session.setLocalWindowSize(limits.sessionWindowBytes);
    watchStreams(session, closeWhenIdle(session, socket, limits.idleTimeoutMs), resetBound(session, clock));
    dropWhenDead(session, socket, limits.idleTimeoutMs);
    if (draining) session.close();
  });

  return {
    serve: (socket) => {
      accepted = socket;
      server.emit("connection", socket);
    },
    drain: () => {
      draining = true;
      for (const session of sessions.keys()) session.close();
    },
  };
}

/** What becomes of a session by its streams. */
interface StreamCount {
  began(): void;
  ended(): void;
}

/** Watches the streams of a session with the same functions for all: one made for each would cost each call. */
function watchStreams(session: ServerHttp2Session, count: StreamCount, noteReset: () => void): void {
  function onClose(this: ServerHttp2Stream) {
    count.ended();
    if (this.aborted) noteReset();
  }
  session.on("stream", (stream: ServerHttp2Stream) => {
    count.began();
    stream.on("aborted", cut).on("close", onClose);
  });
}

/** A request that its client takes back has no end: Node would show what came of its body as the whole. */
function cut(this: ServerHttp2Stream): void {
  this.destroy();
}

/** As RFC 9113 section 8.3.1 asks for: of two names, whoever stands before us may have routed by the other. */
function hasOneAuthority({ ":authority": authority, host }: IncomingHttpHeaders): boolean {
  if (authority !== undefined && host !== undefined && authority !== host) return false;
  return !(authority ?? host ?? "").includes("@");
}

function refuseMalformed(stream: ServerHttp2Stream): void {
  const error = errors.requestMalformed();
  const status = refusalStatus(error);
  stream.respond({ ":status": status, "content-type": "application/problem+json" });
  stream.end(problemText(error));
}

/** Bytes that are no request, such as pings or a header sent byte by byte, do not count as life. */
function closeWhenIdle(session: ServerHttp2Session, socket: Duplex, idleMs: number): StreamCount {
  let streams = 0;
  let parting: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    // The end of the last one begins the time anew.
    if (streams > 0) return;
    session.close();
    // A peer that hears of it and stays would keep the connection.
    parting = setTimeout(() => socket.destroy(), partingMs);
  }, idleMs);
  socket.once("close", () => {
    clearTimeout(timer);
    clearTimeout(parting);
  });
  return {
    began() {
      streams += 1;
    },
    ended() {
      streams -= 1;
      if (streams === 0 && !socket.destroyed) timer.refresh();
    },
  };
}

/** A peer that vanished leaves its streams open: a ping without answer ends them. */
function dropWhenDead(session: ServerHttp2Session, socket: Duplex, intervalMs: number): void {
  let unanswered = false;
  const timer = setInterval(() => {
    // An ended session throws when it is asked anything, and its socket may stay open for long.
    if (unanswered || session.destroyed) {
      socket.destroy();
      return;
    }
    unanswered = true;
    session.ping((error) => {
      unanswered = error !== null;
    });
  }, intervalMs);
  socket.once("close", () => clearInterval(timer));
}

/**
 * Counts resets of streams, and ends a session that has them come faster than from any honest peer
 * (CVE-2023-44487). nghttp2 has a limit too, but beyond it Node leaves the session open and deaf.
 */
function resetBound(session: ServerHttp2Session, clock: Clock): () => void {
  let allowance = resets.burst;
  let since = clock.monotonic();
  return () => {
    const now = clock.monotonic();
    allowance = Math.min(resets.burst, allowance + ((now - since) / 1_000) * resets.perSecond) - 1;
    since = now;
    if (allowance >= 0 || session.destroyed) return;
    const flood = new Error("a peer resets its streams in a flood");
    session.destroy(flood, constants.NGHTTP2_ENHANCE_YOUR_CALM);
  };
}
