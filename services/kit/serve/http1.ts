import { createServer, type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectError } from "@connectrpc/connect";
import { errors } from "../errors.js";
import { lazyTimeouts } from "./lazy-timeouts.js";
import { hardHeaderBytes, type ListenLimits } from "./limits.js";
import { problemText, refusalStatus } from "./refusal.js";

/** The HTTP/1.1 side of a listener. */
export interface Http1 {
  /** Serves an accepted connection, whose first bytes may have been put back. */
  serve(socket: Socket): void;
  /** Closes idle connections at once and the others after the answer they wait for. */
  drain(): void;
}

/** What the HTTP/1.1 side needs. */
export interface Http1Options {
  readonly limits: ListenLimits;
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onError: (error: Error) => void;
}

/** How long what is left of a body may still come after its answer, in milliseconds. */
const leftoverMs = 5_000;

/** Serves HTTP/1.1 on connections that somebody else accepts. */
export function createHttp1({ limits, handler, onError }: Http1Options): Http1 {
  /** The responses of each connection that are not over, oldest first. */
  const open = new Map<Duplex, ServerResponse[]>();
  const refused = new WeakSet<Duplex>();
  const ease = lazyTimeouts(lookEvery(limits));
  let draining = false;
  const server = createServer(
    {
      maxHeaderSize: hardHeaderBytes(limits),
      headersTimeout: limits.headersTimeoutMs,
      // Whoever reads a body says how it must arrive; its size says nothing about its time.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, 1_000),
      requireHostHeader: false,
    },
    (request, response) => {
      // What came in the same piece behind a refused request is already parsed.
      if (refused.has(request.socket)) return;
      const onSocket = open.get(request.socket) ?? [];
      onSocket.push(response);
      if (draining) response.setHeader("connection", "close");
      response.on("close", () => {
        dropLeftover(request);
        remove(onSocket, response);
        if (draining) server.closeIdleConnections();
      });
      if (hasOneHost(request)) return handler(request, response);
      refused.add(request.socket);
      const error = new Error("a request without exactly one Host header");
      onError(error);
      refuse(error, request.socket, onSocket, limits);
    },
  );
  server.on("clientError", (error, socket) => {
    onError(error);
    refuse(error, socket, open.get(socket) ?? [], limits);
  });
  server.timeout = limits.idleTimeoutMs;
  // Node would leave further ones out without a word; the bytes bound them, and the endpoint counts.
  server.maxHeadersCount = 0;
  // Node starts the timers of headers and requests on this event, and this server never listens itself.
  server.emit("listening");

  return {
    serve(socket) {
      open.set(socket, []);
      socket.once("close", () => open.delete(socket));
      ease(socket);
      server.emit("connection", socket);
    },
    drain: () => {
      draining = true;
      const responses = [...open.values()].flat();
      for (const response of responses) if (!response.headersSent) response.setHeader("connection", "close");
      server.close();
    },
  };
}

/** How late a connection's rest may be noticed, in milliseconds. */
function lookEvery({ idleTimeoutMs, keepAliveTimeoutMs }: ListenLimits): number {
  return Math.min(1_000, Math.ceil(Math.min(idleTimeoutMs, keepAliveTimeoutMs) / 4));
}

function remove(responses: ServerResponse[], response: ServerResponse): void {
  const at = responses.indexOf(response);
  if (at === 0) responses.shift();
  else responses.splice(at, 1);
}

/** Nobody waits any more for what is left of a body when its request is answered. */
function dropLeftover(request: IncomingMessage): void {
  if (request.complete || request.socket.destroyed) return;
  const timer = setTimeout(() => request.complete || request.socket.destroy(), leftoverMs);
  request.socket.once("close", () => clearTimeout(timer));
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

function refuse(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  open: readonly ServerResponse[],
  limits: ListenLimits,
): void {
  // A response already under way, or a request before the broken one, would be mixed with ours.
  const answerable = open.length <= 1 && open.every((response) => !response.headersSent);
  if (socket.writable && answerable && error.code !== "ECONNRESET") {
    socket.end(answerOf(refusalOf(error, limits)), () => socket.destroy());
  } else {
    socket.destroy();
  }
}

/** What Node's parser found, in terms of the catalogue. */
function refusalOf(
  { code, rawPacket }: NodeJS.ErrnoException & { readonly rawPacket?: Buffer },
  { headersTimeoutMs, maxHeaderBytes, maxUrlBytes }: ListenLimits,
): ConnectError {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return errors.headersTimeout({ limit_ms: headersTimeoutMs });
  if (code !== "HPE_HEADER_OVERFLOW") return errors.requestMalformed();
  // The parser counts the request line among the headers.
  return rawPacket && !rawPacket.includes("\n")
    ? errors.urlTooLong({ limit: maxUrlBytes })
    : errors.headersTooLarge({ limit: maxHeaderBytes, unit: "bytes" });
}

function answerOf(error: ConnectError): string {
  const status = refusalStatus(error);
  const body = problemText(error);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "content-type: application/problem+json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
