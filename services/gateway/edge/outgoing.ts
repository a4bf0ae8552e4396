import type { OutgoingHttpHeader, OutgoingHttpHeaders } from "node:http";
import type { Request, Response } from "../../kit/serve/listen.js";
import { encodingOf } from "../transcode/encoding.js";
import type { Coding } from "./accept-encoding.js";
import { type Coders, compressWhole, createCoders, isCompressible, type StreamCoder } from "./compress.js";
import {
  codingOf,
  completed,
  copied,
  flattened,
  type Head,
  type HeaderList,
  isCacheableRead,
  isKnown,
  isStream,
  mayChange,
  notModified,
  setCoding,
  streamCoding,
} from "./head.js";
import { tagOf } from "./validator.js";
import { addVary } from "./vary.js";

/** What becomes of the answers of a port. */
export interface OutgoingOptions {
  /** Changes the head of an answer before anything is decided by it. */
  decorate(request: Request, head: Head): void;
  /** What an answer carries unless it says something else itself. */
  always(request: Request): HeaderList;
  readonly compressFromBytes: number;
}

type Chunk = string | Uint8Array;

/**
 * Makes what answers a request ready for browsers and caches: it gets headers
 * from `decorate`; a read gets an entity tag, or 304 when the client has it
 * (RFC 9110, section 13.1.2); and content that becomes smaller is compressed as
 * the client accepts it, streams message by message.
 */
export function createOutgoing(options: OutgoingOptions): (request: Request, response: Response) => void {
  const plan: Plan = { ...options, coders: createCoders() };
  return (request, response) => {
    const shaped = response as unknown as Shaped;
    shaped[key] = new Outgoing(request, response, plan);
    shaped.writeHead = writeHead;
    shaped.write = write;
    shaped.end = end;
  };
}

type Plan = OutgoingOptions & { readonly coders: Coders };

const key = Symbol("outgoing");

/** A response that goes out by way of its `Outgoing`. */
interface Shaped {
  [key]: Outgoing;
  writeHead: typeof writeHead;
  write: typeof write;
  end: typeof end;
}

function writeHead(this: Shaped, status: number, headers?: OutgoingHttpHeaders): Response {
  return this[key].writeHead(status, headers);
}

function write(this: Shaped, chunk: Chunk, ...rest: unknown[]): boolean {
  return this[key].write(chunk, rest);
}

function end(this: Shaped, chunk?: unknown, ...rest: unknown[]): Response {
  return this[key].end(chunk, rest);
}

interface Native {
  writeHead(status: number, headers: OutgoingHttpHeaders | OutgoingHttpHeader[]): unknown;
  write(chunk: Chunk, ...rest: unknown[]): boolean;
  end(chunk?: unknown, ...rest: unknown[]): unknown;
}

class Outgoing {
  /** Given and not sent: what it says may still depend on what follows. */
  #waiting: Head | undefined;
  /** The first piece of an answer, which may be the only one. */
  #held: Chunk | undefined;
  #coder: StreamCoder | undefined;
  readonly #request: Request;
  readonly #response: Response;
  readonly #plan: Plan;
  readonly #native: Native;

  constructor(request: Request, response: Response, plan: Plan) {
    this.#request = request;
    this.#response = response;
    this.#plan = plan;
    this.#native = Object.getPrototypeOf(response) as Native;
  }

  writeHead(status: number, given: OutgoingHttpHeaders = {}): Response {
    const head = { status, headers: copied(given) };
    this.#plan.decorate(this.#request, head);
    if (isCompressible(head.headers["content-type"])) addVary(head.headers, "accept-encoding");
    if (mayChange(this.#request, this.#response, head)) this.#waiting = head;
    else
      this.#sendHead(
        this.#request.method === "HEAD" && isKnown(this.#request, head) ? notModified(head) : head,
      );
    return this.#response;
  }

  write(chunk: Chunk, rest: readonly unknown[]): boolean {
    this.#requireHead();
    if (this.#coder) return this.#coder.write(chunk);
    if (this.#waiting && !isStream(this.#waiting) && this.#held === undefined) {
      this.#held = chunk;
      return true;
    }
    const coder = this.#waiting && this.#beginStream(this.#waiting);
    return coder ? coder.write(chunk) : this.#send(chunk, rest);
  }

  end(chunk: unknown, rest: readonly unknown[]): Response {
    this.#requireHead();
    const last = isChunk(chunk) ? chunk : undefined;
    const head = this.#waiting;
    if (this.#coder) this.#coder.end(last);
    else if (head && !isStream(head) && (this.#held === undefined) !== (last === undefined)) {
      const body = this.#held ?? last ?? "";
      this.#waiting = undefined;
      this.#held = undefined;
      this.#sendWhole(head, body);
    } else {
      this.#release();
      this.#end(chunk, rest);
    }
    return this.#response;
  }

  /** Sends the only piece of an answer. */
  #sendWhole(head: Head, body: Chunk): void {
    const bytes = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
    const coding = bytes >= this.#plan.compressFromBytes ? codingOf(this.#request, head) : undefined;
    if (isCacheableRead(this.#request, head)) head.headers.etag ??= tagOf(body);
    const known = isKnown(this.#request, head);
    if (coding && !known) {
      void this.#sendCompressed(head, coding, typeof body === "string" ? Buffer.from(body) : body);
      return;
    }
    if (coding) setCoding(head.headers, coding);
    head.headers["content-length"] = bytes;
    this.#sendHead(known ? notModified(head) : head);
    if (known) this.#end();
    else this.#end(body, [encodingOf(body, bytes)]);
  }

  async #sendCompressed(head: Head, coding: Coding, body: Uint8Array): Promise<void> {
    const compressed = await compressWhole(coding, body).catch(() => undefined);
    if (this.#response.destroyed) return;
    if (compressed) setCoding(head.headers, coding);
    const content = compressed ?? body;
    head.headers["content-length"] = content.byteLength;
    this.#sendHead(head);
    this.#end(content);
  }

  /** What comes in several pieces is compressed when it is a stream of messages, and otherwise left alone. */
  #beginStream(head: Head): StreamCoder | undefined {
    const coding = isStream(head) ? streamCoding(this.#request, head) : undefined;
    const outlet = { write: (chunk: Uint8Array) => this.#send(chunk), end: () => this.#end() };
    this.#coder = coding && this.#plan.coders.start(coding, this.#response, outlet);
    if (coding && this.#coder) setCoding(head.headers, coding);
    this.#release();
    return this.#coder;
  }

  /** Some answers set their headers one by one. */
  #requireHead(): void {
    const response = this.#response;
    if (this.#waiting || response.headersSent) return;
    this.writeHead(response.statusCode, response.getHeaders());
  }

  #release(): void {
    if (this.#waiting) this.#sendHead(this.#waiting);
    this.#waiting = undefined;
    if (this.#held !== undefined) this.#send(this.#held);
    this.#held = undefined;
  }

  #sendHead({ status, headers }: Head): void {
    const always = this.#plan.always(this.#request);
    const isHttp1 = !("stream" in this.#response);
    const all = isHttp1 ? flattened(headers, always) : completed(headers, always);
    this.#native.writeHead.call(this.#response, status, all);
  }

  #send(chunk: Chunk, rest: readonly unknown[] = []): boolean {
    return this.#native.write.call(this.#response, chunk, ...rest);
  }

  #end(chunk?: unknown, rest: readonly unknown[] = []): void {
    this.#native.end.call(this.#response, chunk, ...rest);
  }
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === "string" || value instanceof Uint8Array;
}
