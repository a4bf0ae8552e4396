import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import type {
  Connect,
  ConnectionOwner,
  ConnectOptions,
  WireConnection,
  WireListener,
  WireStream,
} from "./wire-connection.js";
import { connectionError, cut, isUnsentRequest, resetError } from "./wire-errors.js";
import type { ReplyHeaders } from "./wire-reply.js";

/** The least that RFC 9113 recommends, until the server says otherwise. */
const assumedStreams = 100;

/** Opens connections of node:http2. */
export const connectNode: Connect = (origin, options) => new NodeConnection(origin, options);

/** A session of node:http2. */
class NodeConnection implements WireConnection {
  readonly #session: ClientHttp2Session;
  readonly #owner: ConnectionOwner;
  #failure: Error | undefined;

  constructor(origin: string, { limits, owner, secure }: ConnectOptions) {
    this.#owner = owner;
    this.#session = connect(origin, {
      ...secure,
      settings: { enablePush: false, initialWindowSize: limits.streamWindowBytes },
      peerMaxConcurrentStreams: assumedStreams,
    });
    this.#session.once("connect", () => {
      // It is told of later, too late for a session that was destroyed meanwhile.
      if (this.#session.destroyed) return;
      this.#session.setLocalWindowSize(limits.sessionWindowBytes);
      owner.onConnected();
    });
    // Node itself ends the session after its last stream, or at once for an error.
    this.#session.on("goaway", () => owner.onLeaving());
    this.#session.on("error", (error: Error) => {
      this.#failure ??= error;
    });
    this.#session.once("close", () => owner.onClosed(this.#failure));
    this.#session.on("remoteSettings", ({ maxConcurrentStreams }) =>
      owner.onGranted(maxConcurrentStreams ?? Number.POSITIVE_INFINITY),
    );
  }

  /** A session that is destroyed tells of it later, and Node 24 lets calls begin on it until then. */
  get accepts(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  get failure(): Error {
    return this.#failure ?? cut("the connection was cut");
  }

  begin(headers: OutgoingHttpHeaders, frame: Uint8Array, listener: WireListener): WireStream {
    try {
      const stream = this.#session.request(headers);
      const call = new NodeStream(stream, listener, { connection: this, owner: this.#owner });
      stream.end(frame);
      return call;
    } catch (error) {
      if (!this.accepts) this.#owner.onLeaving();
      throw error;
    }
  }

  ping(onAnswer: () => void): void {
    if (this.#session.destroyed) return;
    this.#session.ping((error) => {
      if (!error) onAnswer();
    });
  }

  ref(): void {
    this.#session.ref();
  }

  unref(): void {
    this.#session.unref();
  }

  close(): void {
    this.#session.close();
  }

  destroy(error?: Error): void {
    this.#failure ??= error;
    this.#session.destroy(error, constants.NGHTTP2_CANCEL);
  }
}

/** One stream of node:http2, told as a call. */
class NodeStream implements WireStream {
  readonly #stream: ClientHttp2Stream;
  readonly #listener: WireListener;
  readonly #connection: NodeConnection;
  #answered = false;
  #canceled = false;
  #failure: Error | undefined;

  constructor(
    stream: ClientHttp2Stream,
    listener: WireListener,
    { connection, owner }: { readonly connection: NodeConnection; readonly owner: ConnectionOwner },
  ) {
    this.#stream = stream;
    this.#listener = listener;
    this.#connection = connection;
    stream.on("response", (headers) => {
      owner.onHeard();
      this.#answered = true;
      if (!this.#canceled) listener.onHeaders(headers);
    });
    stream.on("data", (chunk: Buffer) => {
      if (!this.#canceled) listener.onData(chunk);
    });
    stream.on("trailers", (trailers: ReplyHeaders) => {
      if (!this.#canceled) listener.onTrailers(trailers);
    });
    stream.on("error", (error) => {
      this.#failure = error;
    });
    stream.on("close", () => {
      owner.onReleased();
      if (!this.#canceled) this.#tell();
    });
  }

  cancel(): void {
    this.#canceled = true;
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  #tell(): void {
    const { rstCode } = this.#stream;
    const ofSession = isOfSession(this.#failure);
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM && !ofSession) {
      this.#listener.onError(resetError(rstCode), true);
    } else if (ofSession) {
      this.#listener.onError(connectionError(this.#failure), isUnsentRequest(this.#failure));
    } else if (rstCode !== constants.NGHTTP2_NO_ERROR) {
      this.#listener.onError(resetError(rstCode), false);
    } else if (this.#answered && this.#stream.readableEnded) {
      this.#listener.onEnd();
    } else {
      // A connection that is cut behind its GOAWAY closes its streams without an error.
      this.#listener.onError(connectionError(this.#connection.failure), false);
    }
  }
}

/** Whether a stream ended with its connection, rather than by a reset of its own. */
function isOfSession(failure: Error | undefined): boolean {
  return failure !== undefined && (failure as NodeJS.ErrnoException).code !== "ERR_HTTP2_STREAM_ERROR";
}
