import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { ListenLimits } from "./limits.js";

/** The HTTP/1.1 side of a listener. */
export interface Http1 {
  /** Serves an accepted connection, whose first bytes may have been put back. */
  serve(socket: Duplex): void;
  /** Closes idle connections at once and the others after the answer they wait for. */
  drain(): void;
}

/** What the HTTP/1.1 side needs. */
export interface Http1Options {
  readonly limits: ListenLimits;
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onError: (error: Error) => void;
}

const statusByCode: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

const details: Readonly<Record<number, string>> = {
  400: "The request is not well-formed HTTP/1.1.",
  408: "The request did not arrive in time.",
  413: "The chunk extensions of the body are too large.",
  431: "The headers of the request are too large.",
};

/** Serves HTTP/1.1 on connections that somebody else accepts. */
export function createHttp1({ limits, handler, onError }: Http1Options): Http1 {
  const open = new Map<Duplex, Set<ServerResponse>>();
  const refused = new WeakSet<Duplex>();
  let draining = false;
  const server = createServer(
    {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 1_000),
      requireHostHeader: false,
    },
    (request, response) => {
      // What came in the same piece behind a refused request is already parsed.
      if (refused.has(request.socket)) return;
      const onSocket = open.get(request.socket) ?? new Set();
      open.set(request.socket, onSocket.add(response));
      if (draining) response.setHeader("connection", "close");
      response.once("close", () => {
        onSocket.delete(response);
        if (onSocket.size === 0) open.delete(request.socket);
        if (draining) server.closeIdleConnections();
      });
      if (hasOneHost(request)) return handler(request, response);
      refused.add(request.socket);
      const error = new Error("a request without exactly one Host header");
      onError(error);
      refuse(error, request.socket, [...onSocket]);
    },
  );
  server.on("clientError", (error, socket) => {
    onError(error);
    refuse(error, socket, [...(open.get(socket) ?? [])]);
  });
  server.timeout = limits.idleTimeoutMs;
  // Node starts the timers of headers and requests on this event, and this server never listens itself.
  server.emit("listening");

  return {
    serve: (socket) => void server.emit("connection", socket),
    drain: () => {
      draining = true;
      const responses = [...open.values()].flatMap((onSocket) => [...onSocket]);
      for (const response of responses) if (!response.headersSent) response.setHeader("connection", "close");
      server.close();
    },
  };
}

/** As RFC 9112 section 3.2 asks for; Node lets further ones pass, which a proxy may have routed by. */
function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts === 1 || (hosts === 0 && httpVersion === "1.0");
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex, open: readonly ServerResponse[]): void {
  // A response already under way, or a request before the broken one, would be mixed with ours.
  const answerable = open.length <= 1 && open.every((response) => !response.headersSent);
  if (socket.writable && answerable && error.code !== "ECONNRESET") {
    socket.end(problem(statusByCode[error.code ?? ""] ?? 400), () => socket.destroy());
  } else {
    socket.destroy();
  }
}

function problem(status: number): string {
  const title = STATUS_CODES[status] ?? "";
  const body = JSON.stringify({ type: "about:blank", title, status, detail: details[status] });
  return [
    `HTTP/1.1 ${status} ${title}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
