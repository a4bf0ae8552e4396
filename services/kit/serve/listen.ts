import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, createServer as createTcp, type Server } from "node:net";
import { createServer as createTls, type SecureVersion, type TLSSocket } from "node:tls";
import { type Clock, systemClock } from "../clock.js";
import { type ReadCertificate, spiffeId } from "../tls/client-certificate.js";
import type { Keys } from "../tls/keys.js";
import type { Peer } from "./arrivals.js";
import { createHttp1, type Http1 } from "./http1.js";
import { createHttp2, type Http2 } from "./http2.js";
import { defaultListenLimits, type ListenLimits } from "./limits.js";
import { boundAddresses, type Sockets, track } from "./open-sockets.js";
import { peek } from "./socket.js";

/** Connections that may wait to be accepted, as far as the system allows; Node's own 511 are few for a crowd that reconnects. */
const backlog = 4096;

/** A request of either protocol. */
export type Request = IncomingMessage | Http2ServerRequest;
/** The response to it. */
export type Response = ServerResponse | Http2ServerResponse;
/** Answers requests of both protocols. What it throws is reported, and answered as 500 when nothing was sent. */
export interface RequestHandler {
  (request: Request, response: Response): void | Promise<void>;
  /** Serves streams of HTTP/2 before Node makes requests of them. */
  readonly serveStream?: StreamHandler;
}

/** Serves a stream of HTTP/2; false, with nothing done, leaves it to whoever handles requests. */
export type StreamHandler = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  rawHeaders: string[],
) => boolean;

/** Keys of a listener that speaks TLS; all PEM. */
export interface TlsOptions {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Who signs client certificates; with `requestClientCert` the only ones accepted. */
  readonly ca?: string | Buffer;
  readonly requestClientCert?: boolean;
  /** Oldest version spoken; TLSv1.3 unless given. */
  readonly minVersion?: Extract<SecureVersion, "TLSv1.2" | "TLSv1.3">;
  /** Names the client that a certificate belongs to, once for each connection. */
  readonly readCertificate?: ReadCertificate;
  /** Takes what new keys are given to: they count for new connections, and open ones stay. */
  readonly onRenewal?: (apply: (keys: Keys) => void) => void;
}

/** What is served, and where. */
export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly handler: RequestHandler;
  readonly tls?: TlsOptions;
  readonly limits?: Partial<ListenLimits>;
  /**
   * Hears of every connection that failed or was refused; nothing of it reaches the handler. Not a
   * sign of trouble by itself: Node reports Go clients that leave orderly as "Protocol error".
   */
  readonly onSocketError?: (error: Error) => void;
  readonly clock?: Clock;
}

/** A port that accepts connections. */
export interface Listener {
  readonly port: number;
  /** Open connections, idle ones included. */
  readonly connections: number;
  /**
   * Stops accepting, tells every peer, and resolves when the requests in
   * progress are answered, or after `graceMs` when the rest has been cut off.
   */
  drain(graceMs: number): Promise<void>;
}

/**
 * Serves HTTP/1.1 and HTTP/2 on one port: in clear text by looking at the first
 * bytes, with TLS by ALPN. Rejects with a readable message when the port cannot
 * be taken.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const limits = { ...defaultListenLimits, ...options.limits };
  const onError = options.onSocketError ?? (() => undefined);
  const handler = guard(options.handler, onError);
  const sides = {
    http1: createHttp1({ limits, handler, onError }),
    http2: createHttp2({
      limits,
      handler,
      serveStream: options.handler.serveStream,
      onError,
      clock: options.clock ?? systemClock,
    }),
  };
  const acceptor = options.tls
    ? acceptTls({ tls: options.tls, limits, sides, onError })
    : acceptPlain({ limits, sides, onError });
  acceptor.maxConnections = limits.maxConnections;
  acceptor.on("drop", () => onError(new Error(`more than ${limits.maxConnections} connections`)));
  const sockets = track(acceptor);
  boundAddresses(acceptor, limits.maxConnectionsPerAddress, onError);
  await bind(acceptor, options.host, options.port);
  acceptor.on("error", onError);
  return {
    port: (acceptor.address() as AddressInfo).port,
    get connections() {
      return sockets.open.size;
    },
    drain: once((graceMs) => drain(acceptor, sides, sockets, graceMs)),
  };
}

interface Sides {
  readonly http1: Http1;
  readonly http2: Http2;
}

interface AcceptOptions {
  readonly limits: ListenLimits;
  readonly sides: Sides;
  readonly onError: (error: Error) => void;
}

function acceptPlain({ limits, sides, onError }: AcceptOptions): Server {
  return createTcp({ noDelay: true }, async (socket) => {
    const peeked = await peek(socket, limits.prefaceTimeoutMs);
    if (peeked.kind === "protocol") {
      (peeked.protocol === "h2c" ? sides.http2 : sides.http1).serve(socket);
      return;
    }
    if (peeked.kind === "silent") onError(new Error("no request within the preface timeout"));
    else if (peeked.error) onError(peeked.error);
    socket.on("error", () => undefined).destroy();
  });
}

function acceptTls({ tls, limits, sides, onError }: AcceptOptions & { readonly tls: TlsOptions }): Server {
  const minVersion = tls.minVersion ?? "TLSv1.3";
  const server = createTls(
    {
      key: tls.key,
      cert: tls.cert,
      ...(tls.ca ? { ca: tls.ca } : {}),
      requestCert: tls.requestClientCert ?? false,
      rejectUnauthorized: tls.requestClientCert ?? false,
      minVersion,
      ALPNProtocols: ["h2", "http/1.1"],
      handshakeTimeout: limits.prefaceTimeoutMs,
      noDelay: true,
    },
    (socket: TLSSocket) => {
      nameClient(socket, tls);
      (socket.alpnProtocol === "h2" ? sides.http2 : sides.http1).serve(socket);
    },
  );
  tls.onRenewal?.((keys) => server.setSecureContext({ ...keys, minVersion }));
  server.on("tlsClientError", (error, socket) => {
    onError(error);
    socket.destroy();
  });
  return server;
}

/** Requests of both protocols show the properties of their connection. */
function nameClient(socket: TLSSocket, { readCertificate }: TlsOptions): void {
  const certificate = readCertificate && socket.getPeerX509Certificate();
  if (!certificate) return;
  const peer: Peer = {
    clientCertificate: readCertificate(certificate),
    clientIdentity: spiffeId(certificate) || undefined,
  };
  Object.assign(socket, peer);
}

function bind(acceptor: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(cannotListen(host, port, error));
    acceptor.once("error", onError);
    acceptor.listen({ host, port, backlog }, () => {
      acceptor.off("error", onError);
      resolve();
    });
  });
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): Error {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: "another process listens there; stop it or choose another port",
    EACCES: "the operating system does not permit this port",
    EADDRNOTAVAIL: "this machine does not have that address",
  };
  const reason = reasons[error.code ?? ""] ?? error.message;
  return new Error(`Cannot listen on ${host}:${port}: ${reason}.`, { cause: error });
}

async function drain(acceptor: Server, sides: Sides, sockets: Sockets, graceMs: number): Promise<void> {
  acceptor.close();
  sides.http1.drain();
  sides.http2.drain();
  // Nothing was asked on these, so nobody waits.
  for (const socket of sockets.open) if (socket.bytesRead === 0) socket.destroy();
  const cutOff = setTimeout(() => {
    for (const socket of sockets.open) socket.destroy();
  }, graceMs);
  await sockets.empty();
  clearTimeout(cutOff);
}

function once(run: (graceMs: number) => Promise<void>): (graceMs: number) => Promise<void> {
  let running: Promise<void> | undefined;
  return (graceMs) => {
    running ??= run(graceMs);
    return running;
  };
}

function guard(handler: RequestHandler, onError: (error: Error) => void) {
  const fail = (response: Response, error: unknown): void => {
    onError(error instanceof Error ? error : new Error("the handler failed", { cause: error }));
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end();
  };
  return (request: Request, response: Response): void => {
    try {
      handler(request, response)?.catch((error) => fail(response, error));
    } catch (error) {
      fail(response, error);
    }
  };
}
