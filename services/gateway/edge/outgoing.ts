import type { OutgoingHttpHeaders } from "node:http";
import type { Request, Response } from "../../kit/serve/listen.js";
import { type Coders, compressWhole, createCoders, isCompressible, type StreamCoder } from "./compress.js";
import {
  codingOf,
  type Head,
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
  /** Adds what every answer carries. */
  decorate(request: Request, head: Head): void;
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
  const coders = createCoders();
  return (request, response) => {
    const outgoing = new Outgoing(request, response, { ...options, coders });
    Object.assign(response, {
      writeHead: (status: number, headers?: OutgoingHttpHeaders) => outgoing.writeHead(status, headers),
      write: (...args: unknown[]) => outgoing.write(...args),
      end: (...args: unknown[]) => outgoing.end(...args),
    });
  };
}

class Outgoing {
  /** Given and not sent: what it says may still depend on what follows. */
  #waiting: Head | undefined;
  /** The first piece of an answer, which may be the only one. */
  #held: Chunk | undefined;
  #coder: StreamCoder | undefined;
  readonly #request: Request;
  readonly #response: Response;
  readonly #options: OutgoingOptions & { readonly coders: Coders };
  readonly #native: Pick<Response, "writeHead" | "write" | "end">;

  constructor(request: Request, response: Response, options: OutgoingOptions & { readonly coders: Coders }) {
    this.#request = request;
    this.#response = response;
    this.#options = options;
    this.#native = { writeHead: response.writeHead, write: response.write, end: response.end };
  }

  writeHead(status: number, given: OutgoingHttpHeaders = {}): Response {
    const head = { status, headers: { ...given } };
    this.#options.decorate(this.#request, head);
    if (isCompressible(head.headers["content-type"])) addVary(head.headers, "accept-encoding");
    if (mayChange(this.#request, this.#response, head)) this.#waiting = head;
    else
      this.#sendHead(
        this.#request.method === "HEAD" && isKnown(this.#request, head) ? notModified(head) : head,
      );
    return this.#response;
  }

  write(...args: unknown[]): boolean {
    this.#requireHead();
    const chunk = args[0] as Chunk;
    if (this.#coder) return this.#coder.write(chunk);
    if (this.#waiting && !isStream(this.#waiting) && this.#held === undefined) {
      this.#held = chunk;
      return true;
    }
    const coder = this.#waiting && this.#beginStream(this.#waiting);
    return coder ? coder.write(chunk) : this.#send(...args);
  }

  end(...args: unknown[]): Response {
    this.#requireHead();
    const last = isChunk(args[0]) ? args[0] : undefined;
    const head = this.#waiting;
    if (this.#coder) this.#coder.end(last);
    else if (head && !isStream(head) && (this.#held === undefined) !== (last === undefined)) {
      const body = this.#held ?? last ?? "";
      this.#waiting = undefined;
      this.#held = undefined;
      void this.#sendWhole(head, typeof body === "string" ? Buffer.from(body) : body);
    } else {
      this.#release();
      this.#end(...args);
    }
    return this.#response;
  }

  async #sendWhole(head: Head, body: Uint8Array): Promise<void> {
    const { headers } = head;
    const { compressFromBytes } = this.#options;
    const coding = body.byteLength >= compressFromBytes ? codingOf(this.#request, head) : undefined;
    if (isCacheableRead(this.#request, head)) headers.etag ??= tagOf(body);
    const known = isKnown(this.#request, head);
    const compressed =
      coding && !known ? await compressWhole(coding, body).catch(() => undefined) : undefined;
    if (this.#response.destroyed) return;
    if (coding && (known || compressed)) setCoding(headers, coding);
    if (known) {
      this.#sendHead(notModified(head));
      this.#end();
      return;
    }
    const content = compressed ?? body;
    headers["content-length"] = content.byteLength;
    this.#sendHead(head);
    this.#end(content);
  }

  /** What comes in several pieces is compressed when it is a stream of messages, and otherwise left alone. */
  #beginStream(head: Head): StreamCoder | undefined {
    const coding = isStream(head) ? streamCoding(this.#request, head) : undefined;
    const outlet = { write: (chunk: Uint8Array) => this.#send(chunk), end: () => this.#end() };
    this.#coder = coding && this.#options.coders.start(coding, this.#response, outlet);
    if (coding && this.#coder) setCoding(head.headers, coding);
    this.#release();
    return this.#coder;
  }

  /** Some answers set their headers one by one. */
  #requireHead(): void {
    const response = this.#response;
    if (this.#waiting || response.headersSent) return;
    this.writeHead(response.statusCode, { ...response.getHeaders() });
  }

  #release(): void {
    if (this.#waiting) this.#sendHead(this.#waiting);
    this.#waiting = undefined;
    if (this.#held !== undefined) this.#send(this.#held);
    this.#held = undefined;
  }

  #sendHead({ status, headers }: Head): void {
    Reflect.apply(this.#native.writeHead, this.#response, [status, headers]);
  }

  #send(...args: unknown[]): boolean {
    return Reflect.apply(this.#native.write, this.#response, args);
  }

  #end(...args: unknown[]): void {
    Reflect.apply(this.#native.end, this.#response, args);
  }
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === "string" || value instanceof Uint8Array;
}
