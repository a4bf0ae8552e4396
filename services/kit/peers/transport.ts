import { type ClientHttp2Stream, constants } from "node:http2";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import type { RenewedKeys } from "../tls/keys.js";
import { secureOptions } from "../tls/peer.js";
import { createWirePool, defaultPoolLimits, type Http2Client, http2Clients } from "./wire-pool.js";
import { asTransportUnary, createWireUnary, type WireUnary } from "./wire-unary.js";

/** Silence after which a connection is asked whether it stands, and how long it may take to say so. */
const keepAlive = { pingIntervalMs: 5_000, pingTimeoutMs: 2_000 };

/** How one address is reached. */
export interface PeerTransportOptions {
  /** Largest message, in bytes. */
  readonly bodyLimit: number;
  /** Our certificate, and whose we accept; each new connection takes them as they are then. */
  readonly keys?: Pick<RenewedKeys, "current"> | undefined;
  /** Whether unary calls take our own way, with compiled codecs; Connect's otherwise. */
  readonly fastPath: boolean;
  /** What speaks HTTP/2 below our own way; `node` unless stated. Streams take node:http2 in any case. */
  readonly http2Client?: Http2Client | undefined;
  /** Aborts when nobody calls any more. */
  readonly closed: AbortSignal;
}

/** A transport, and what is under its unary calls where that is our own. */
export interface PeerTransport extends Transport {
  readonly call?: WireUnary;
}

/** gRPC to one address over connections that are kept alive. Streams are Connect's. */
export function peerTransport(baseUrl: string, options: PeerTransportOptions): PeerTransport {
  const { bodyLimit, fastPath, http2Client = "node", keys, closed } = options;
  const connect = connectTransport(baseUrl, options);
  if (!fastPath) return connect;
  const limits = { ...defaultPoolLimits, ...keepAlive };
  const pool = createWirePool({
    origin: new URL(baseUrl).origin,
    limits,
    connect: http2Clients[http2Client],
    secure: keys && secureOptions(keys),
  });
  closed.addEventListener("abort", () => pool.close(), { once: true });
  const call = createWireUnary({ pool, bodyLimit });
  return { ...connect, unary: asTransportUnary(call), call };
}

type ConnectOptions = Pick<PeerTransportOptions, "bodyLimit" | "keys">;

function connectTransport(baseUrl: string, { bodyLimit, keys }: ConnectOptions): Transport {
  const sessionManager = new Http2SessionManager(baseUrl, keepAlive, keys && secureOptions(keys));
  const request = sessionManager.request.bind(sessionManager);
  sessionManager.request = async (...args) => failWhenCut(await request(...args));
  return createGrpcTransport({
    baseUrl,
    sessionManager,
    readMaxBytes: bodyLimit,
    writeMaxBytes: bodyLimit,
  });
}

// A connection that is cut behind its GOAWAY closes its streams without an error, and Connect would wait for more.
function failWhenCut(stream: ClientHttp2Stream): ClientHttp2Stream {
  let answered = false;
  stream.once("response", () => {
    answered = true;
  });
  stream.once("close", () => {
    if (answered || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return;
    stream.emit("error", Object.assign(new Error("the connection was cut"), { code: "ECONNRESET" }));
  });
  return stream;
}
