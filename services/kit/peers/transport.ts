import { type ClientHttp2Stream, constants } from "node:http2";
import type { Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

/** Silence after which a connection is asked whether it stands, and how long it may take to say so. */
const keepAlive = { pingIntervalMs: 5_000, pingTimeoutMs: 2_000 };

/** gRPC to one address over a connection that is kept alive; messages have at most `bodyLimit` bytes. */
export function peerTransport(baseUrl: string, bodyLimit: number): Transport {
  const sessionManager = new Http2SessionManager(baseUrl, keepAlive);
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
