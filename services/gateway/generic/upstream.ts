import type { IncomingHttpHeaders } from "node:http";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { Metadata } from "../../kit/calls/metadata.js";
import { errorChain } from "../../kit/error-chain.js";
import { errors } from "../../kit/errors.js";
import { type PeerTransport, peerTransport } from "../../kit/peers/transport.js";
import type { Departure } from "../../kit/peers/wire-call.js";
import type { Http2Client } from "../../kit/peers/wire-pool.js";
import type { ReplyHeaders } from "../../kit/peers/wire-reply.js";
import type { WireUnary } from "../../kit/peers/wire-unary.js";
import type {
  TranscodedCall,
  TranscodedReply,
  TranscodedStream,
  TranscodedStreamReply,
} from "../transcode/call.js";
import type { UpstreamProtocol } from "./arguments.js";

/** A server whose methods are called as they are. */
export interface Upstream {
  call(call: TranscodedCall, departure: Departure): Promise<TranscodedReply>;
  stream(call: TranscodedStream): Promise<TranscodedStreamReply>;
}

/** Largest number that `grpc-timeout` carries in milliseconds. */
const longestTimeoutMs = 99_999_999;

/** How an upstream is reached. */
export interface UpstreamTransportOptions {
  readonly protocol: UpstreamProtocol;
  /** Largest message, in bytes. */
  readonly bodyLimit: number;
  /** Whether unary gRPC takes our own way, with compiled codecs. */
  readonly fastPath: boolean;
  /** What speaks HTTP/2 below that; node:http2 unless stated. */
  readonly http2Client?: Http2Client | undefined;
  /** Aborts when nobody calls any more. */
  readonly closed: AbortSignal;
}

/** The transport to an upstream. */
export function upstreamTransport(baseUrl: string, options: UpstreamTransportOptions): PeerTransport {
  const { protocol, bodyLimit } = options;
  if (protocol === "grpc") return peerTransport(baseUrl, options);
  return createConnectTransport({
    baseUrl,
    readMaxBytes: bodyLimit,
    writeMaxBytes: bodyLimit,
    httpVersion: "1.1",
  });
}

/**
 * Calls an upstream with the client's headers and time. Its errors come through
 * as they are, with message, details and metadata; that it does not answer at
 * all is DEPENDENCY_UNAVAILABLE.
 */
export function createUpstream(transport: PeerTransport): Upstream {
  const { call: unary } = transport;
  return {
    call: unary ? direct(unary) : overTransport(transport),
    async stream({ method, input, header, signal, timeoutMs }) {
      try {
        const reply = await transport.stream(method, signal, bounded(timeoutMs), forwarded(header), input);
        return { header: reply.header, trailer: reply.trailer, messages: explaining(reply.message) };
      } catch (error) {
        throw explained(error);
      }
    },
  };
}

/** Makes neither a signal nor headers that nobody reads. */
function direct(unary: WireUnary): Upstream["call"] {
  return async ({ method, input, header, timeoutMs }, departure) => {
    try {
      const options = { header: forwarded(header), timeoutMs: bounded(timeoutMs), departure };
      const { message, raw } = await unary(method, input, options);
      return { message, header: forClient(raw.header), trailer: forClient(raw.trailer) };
    } catch (error) {
      throw explained(error);
    }
  };
}

function overTransport(transport: Transport): Upstream["call"] {
  return async ({ method, input, header, signal, timeoutMs }) => {
    try {
      return await transport.unary(method, signal, bounded(timeoutMs), forwarded(header), input);
    } catch (error) {
      throw explained(error);
    }
  };
}

/** What an answer carries besides its protocol: mostly nothing. */
function forClient(source: ReplyHeaders): Metadata {
  let passed: IncomingHttpHeaders | undefined;
  for (const name in source) {
    if (isOfProtocol(name)) continue;
    passed ??= {};
    passed[name] = source[name];
  }
  return new Metadata(passed);
}

function isOfProtocol(name: string): boolean {
  return name.startsWith(":") || name.startsWith("grpc-") || name === "content-type";
}

/** The transport writes the protocol's own headers. Plain, since an instance of `Headers` costs more than all else here. */
function forwarded(header: Headers): Record<string, string> {
  const passed: Record<string, string> = {};
  const pass = (value: string, name: string): void => {
    if (!name.startsWith("connect-") && (!name.startsWith("grpc-") || name.endsWith("-bin"))) {
      passed[name] = value;
    }
  };
  if (header instanceof Metadata) header.eachUnordered(pass);
  else header.forEach(pass);
  const [cookie] = header.getSetCookie();
  if (cookie !== undefined) passed["set-cookie"] = cookie;
  return passed;
}

function bounded(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined ? undefined : Math.min(Math.max(1, Math.ceil(timeoutMs)), longestTimeoutMs);
}

async function* explaining<T>(messages: AsyncIterable<T>) {
  try {
    yield* messages;
  } catch (error) {
    throw explained(error);
  }
}

/** An error that the upstream sent has no cause; one of Node has, and tells of addresses. */
function explained(error: unknown): unknown {
  if (!(error instanceof ConnectError) || error.cause === undefined || endsByItself(error)) return error;
  const broken = errorChain(error.cause).some(({ code }) => code !== undefined);
  return broken ? errors.dependencyUnavailable({ dependency: "The upstream" }, error) : error;
}

function endsByItself({ code }: ConnectError): boolean {
  return code === Code.Canceled || code === Code.DeadlineExceeded;
}
