import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { errorChain } from "../../kit/error-chain.js";
import { errors } from "../../kit/errors.js";
import { peerTransport } from "../../kit/peers/transport.js";
import type {
  TranscodedCall,
  TranscodedReply,
  TranscodedStream,
  TranscodedStreamReply,
} from "../transcode/call.js";
import type { UpstreamProtocol } from "./arguments.js";

/** A server whose methods are called as they are. */
export interface Upstream {
  call(call: TranscodedCall): Promise<TranscodedReply>;
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
  /** Aborts when nobody calls any more. */
  readonly closed: AbortSignal;
}

/** The transport to an upstream. */
export function upstreamTransport(baseUrl: string, options: UpstreamTransportOptions): Transport {
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
export function createUpstream(transport: Transport): Upstream {
  return {
    async call({ method, input, header, signal, timeoutMs }) {
      try {
        return await transport.unary(method, signal, bounded(timeoutMs), forwarded(header), input);
      } catch (error) {
        throw explained(error);
      }
    },
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

/** The transport writes the protocol's own headers. */
function forwarded(header: Headers): Headers {
  const passed = new Headers();
  for (const [name, value] of header) {
    if (!name.startsWith("connect-") && (!name.startsWith("grpc-") || name.endsWith("-bin"))) {
      passed.append(name, value);
    }
  }
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
