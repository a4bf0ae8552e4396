import type { OutgoingHttpHeaders } from "node:http2";
import type { DescMethodUnary, Message, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { createCodecs, type MessageCodec, type MessageMaker, messageMaker } from "../codec/codec.js";
import { type Departure, departureOf, exchange } from "./wire-call.js";
import type { WirePool } from "./wire-pool.js";
import {
  acceptedEncodings,
  messageOf,
  prefixLength,
  type RawReply,
  tooLarge,
  webHeaders,
} from "./wire-reply.js";

/** The most that `grpc-timeout` carries in one unit. */
const largestAmount = 99_999_999;

const protocolHeaders = {
  ":method": "POST",
  te: "trailers",
  "content-type": "application/grpc+proto",
  "grpc-accept-encoding": acceptedEncodings,
};

/** What goes along with a message. */
export interface WireOptions {
  readonly header?: GivenHeaders;
  /** Milliseconds; without it, or with 0, a call may take for ever. */
  readonly timeoutMs?: number | undefined;
  readonly departure?: Departure | undefined;
}

/** Makes a unary call; rejects with a `ConnectError`. */
export type WireUnary = (
  method: DescMethodUnary,
  message: MessageInitShape<DescMethodUnary["input"]>,
  options: WireOptions,
) => Promise<WireReply>;

/** Makes unary gRPC calls, with compiled codecs, on the connections of a pool. */
export function createWireUnary(options: {
  readonly pool: WirePool;
  /** Largest message of either way, in bytes. */
  readonly bodyLimit: number;
}): WireUnary {
  const { pool, bodyLimit } = options;
  const codecOf = createCodecs();
  const plans = new WeakMap<DescMethodUnary, Plan>();
  const planOf = (method: DescMethodUnary): Plan => {
    const path = `/${method.parent.typeName}/${method.name}`;
    const plan = {
      headers: { ...protocolHeaders, ":path": path },
      make: messageMaker(method.input),
      input: codecOf(method.input),
      output: codecOf(method.output),
    };
    plans.set(method, plan);
    return plan;
  };
  return async (method, message, { header, timeoutMs, departure }) => {
    const { headers: fixed, make, input, output } = plans.get(method) ?? planOf(method);
    const frame = written(input, make(message), bodyLimit);
    const bound = timeoutMs !== undefined && timeoutMs > 0 ? timeoutMs : undefined;
    const headers = headersOf(fixed, header, bound);
    const raw = await exchange(pool, { headers, frame, departure, timeoutMs: bound, maxBytes: bodyLimit });
    const bytes = messageOf(raw, bodyLimit);
    return new WireReply(method, read(output, bytes instanceof Uint8Array ? bytes : await bytes), raw);
  };
}

/** The same as Connect's transports have it. */
export function asTransportUnary(call: WireUnary): Transport["unary"] {
  return async (method, signal, timeoutMs, header, message) => {
    const departure = departureOf(signal);
    const known = method as unknown as DescMethodUnary;
    const reply = await call(known, message as never, { header, timeoutMs, departure });
    return reply as unknown as UnaryResponse<never, never>;
  };
}

type GivenHeaders = Parameters<Transport["unary"]>[3];

interface Plan {
  /** The same for every call. */
  readonly headers: OutgoingHttpHeaders;
  readonly make: MessageMaker<DescMethodUnary["input"]>;
  readonly input: MessageCodec<DescMethodUnary["input"]>;
  readonly output: MessageCodec<DescMethodUnary["output"]>;
}

function written(codec: Plan["input"], message: Message, maxBytes: number): Uint8Array {
  const frame = orInternal("serialize binary", () => codec.writeBinary(message, prefixLength));
  const size = frame.length - prefixLength;
  if (size > maxBytes) throw tooLarge("write", size, maxBytes);
  new DataView(frame.buffer, frame.byteOffset).setUint32(1, size);
  return frame;
}

function read(codec: Plan["output"], bytes: Uint8Array): Message {
  return orInternal("parse binary", () => codec.readBinary(bytes));
}

function orInternal<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new ConnectError(`${what}: ${error instanceof Error ? error.message : error}`, Code.Internal);
  }
}

function headersOf(fixed: OutgoingHttpHeaders, given: GivenHeaders, timeoutMs: number | undefined) {
  const headers: OutgoingHttpHeaders = { ...fixed };
  if (timeoutMs !== undefined) headers["grpc-timeout"] = timeoutOf(timeoutMs);
  if (!given) return headers;
  if (Symbol.iterator in given)
    for (const [name, value] of given) add(headers, name as string, value as string);
  else for (const name in given) add(headers, name, given[name]);
  return headers;
}

/** What the protocol itself says cannot be said otherwise. */
function add(headers: OutgoingHttpHeaders, name: string, value: string | undefined): void {
  const known = name.toLowerCase();
  if (headers[known] === undefined) headers[known] = value;
}

function timeoutOf(milliseconds: number): string {
  const whole = Math.ceil(milliseconds);
  return whole <= largestAmount ? `${whole}m` : `${Math.min(largestAmount, Math.ceil(whole / 1000))}S`;
}

/** An answer whose headers are made when somebody reads them. */
export class WireReply {
  readonly stream = false as const;
  readonly method: DescMethodUnary;
  readonly message: Message;
  readonly #raw: RawReply;
  #header: Headers | undefined;
  #trailer: Headers | undefined;

  constructor(method: DescMethodUnary, message: Message, raw: RawReply) {
    this.method = method;
    this.message = message;
    this.#raw = raw;
  }

  /** As node:http2 reads them. */
  get raw(): Pick<RawReply, "header" | "trailer"> {
    return this.#raw;
  }

  get service() {
    return this.method.parent;
  }

  get header(): Headers {
    this.#header ??= webHeaders(this.#raw.header);
    return this.#header;
  }

  get trailer(): Headers {
    this.#trailer ??= webHeaders(this.#raw.trailer);
    return this.#trailer;
  }
}
