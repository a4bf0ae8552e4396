import type { OutgoingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { sharedTimers } from "../../timers.js";
import type {
  Connect,
  ConnectionOwner,
  ConnectOptions,
  WireConnection,
  WireListener,
} from "../wire-connection.js";
import { cut, sessionEnded } from "../wire-errors.js";
import { type Carrier, FramingConnection } from "./framing-connection.js";

/** How long what was sent last may take to leave, in milliseconds. */
const farewellMs = 1_000;
const protocolName = "h2";
const defaultPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

/** Opens connections with framing of our own: over TCP, or over TLS with ALPN for origins that are `https`. */
export const connectFraming: Connect = (origin, options) => new FramedSocket(new URL(origin), options);

/** A socket that speaks HTTP/2. */
class FramedSocket implements WireConnection, Carrier {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  #framing: FramingConnection | undefined;
  #failure: Error | undefined;
  #closed = false;

  constructor(url: URL, { limits, owner, secure }: ConnectOptions) {
    this.#owner = owner;
    this.#socket = openSocket(url, secure);
    this.#socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => {
      const problem = protocolProblem(this.#socket);
      if (problem) this.destroy(problem);
      else this.#begin(url, limits);
    });
    this.#socket.on("error", (error: Error) => {
      this.#failure ??= error;
    });
    this.#socket.once("end", () => this.destroy());
    this.#socket.once("close", () => this.#onClose());
  }

  get accepts(): boolean {
    return this.#framing?.accepts ?? false;
  }

  begin(headers: OutgoingHttpHeaders, frame: Uint8Array, listener: WireListener) {
    if (!this.#framing) throw sessionEnded();
    return this.#framing.begin(headers, frame, listener);
  }

  ping(onAnswer: () => void): void {
    this.#framing?.ping(onAnswer);
  }

  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    if (this.#framing) this.#framing.close();
    else this.#socket.destroy();
  }

  destroy(error?: Error): void {
    this.#failure ??= error;
    this.#framing?.lost(this.#failure ?? cut("the connection was cut"));
    this.#socket.destroy();
  }

  send(octets: Buffer, left: () => void): void {
    this.#socket.write(octets, left);
  }

  end(error: Error | undefined): void {
    if (error) this.#failure ??= error;
    this.#socket.end();
    const patience = sharedTimers.start(farewellMs, () => this.#socket.destroy());
    this.#socket.once("close", () => patience.stop());
    this.#tellClosed();
  }

  #begin(url: URL, limits: ConnectOptions["limits"]): void {
    this.#framing = new FramingConnection({
      origin: { ":scheme": url.protocol.slice(0, -1), ":authority": url.host },
      limits,
      owner: this.#owner,
      carrier: this,
      now: () => performance.now(),
    });
    this.#socket.on("data", (chunk: Buffer) => this.#framing?.receive(chunk));
    this.#owner.onConnected();
  }

  #onClose(): void {
    this.#framing?.lost(this.#failure ?? cut("the connection was cut"));
    this.#tellClosed();
  }

  #tellClosed(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#owner.onClosed(this.#failure);
  }
}

function openSocket(url: URL, secure: SecureClientSessionOptions | undefined): Socket {
  // A URL has brackets around an IPv6 address, and a socket does not.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port) || defaultPorts[url.protocol];
  if (port === undefined) throw new TypeError(`${url.protocol} is no protocol of ours`);
  if (url.protocol === "http:") return connectTcp({ host, port, noDelay: true });
  const name = isIP(host) === 0 ? { servername: host } : {};
  const options = { ...name, ...secure, host, port, ALPNProtocols: [protocolName] } as ConnectionOptions;
  return connectTls(options).setNoDelay(true);
}

/** HTTP/2 over TLS has to be agreed upon (RFC 9113, section 3.2). */
function protocolProblem(socket: Socket): Error | undefined {
  const { alpnProtocol } = socket as Partial<TLSSocket>;
  if (alpnProtocol === undefined || alpnProtocol === protocolName) return undefined;
  return Object.assign(new Error("the server did not agree to HTTP/2"), { code: "ERR_HTTP2_ERROR" });
}
