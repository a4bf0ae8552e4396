import type { OutgoingHttpHeaders } from "node:http";
import type { Request, Response } from "../../kit/serve/listen.js";
import { isNamedBy } from "../transcode/entity-tag.js";
import { type Coding, negotiateCoding } from "./accept-encoding.js";
import { noStore } from "./cache-control.js";
import { compressStream, compressWhole, isCompressible, mostCoders, type StreamCoder } from "./compress.js";
import { codedTag, tagOf } from "./validator.js";
import { addVary } from "./vary.js";

/** The head of an answer before it leaves. Names are in lower case. */
export interface Head {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
}

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
export function createOutgoing({ decorate, compressFromBytes }: OutgoingOptions) {
  let coders = 0;

  const startCoder = (coding: Coding, response: Response, write: (chunk: Uint8Array) => boolean) => {
    const coder = compressStream(coding);
    coders += 1;
    coder.stream.on("data", (chunk: Uint8Array) => {
      if (!write(chunk)) coder.stream.pause();
    });
    const resume = () => void coder.stream.resume();
    coder.stream.on("drain", () => response.emit("drain"));
    response.on("drain", resume).once("close", () => {
      coders -= 1;
      response.off("drain", resume);
      coder.stream.destroy();
    });
    return coder;
  };

  return (request: Request, response: Response): void => {
    const native = { writeHead: response.writeHead, write: response.write, end: response.end };
    const send = {
      head: ({ status, headers }: Head) => Reflect.apply(native.writeHead, response, [status, headers]),
      write: (...args: unknown[]): boolean => Reflect.apply(native.write, response, args),
      end: (...args: unknown[]) => Reflect.apply(native.end, response, args),
    };
    /** Given and not sent: what it says may still depend on what follows. */
    let waiting: Head | undefined;
    /** The first piece of a read, which may be the only one. */
    let held: Chunk | undefined;
    let coder: StreamCoder | undefined;

    const release = () => {
      if (waiting) send.head(waiting);
      waiting = undefined;
      if (held !== undefined) send.write(held);
      held = undefined;
    };

    Object.assign(response, {
      writeHead(status: number, given: OutgoingHttpHeaders = {}) {
        const head = { status, headers: { ...given } };
        decorate(request, head);
        if (isCompressible(head.headers["content-type"])) addVary(head.headers, "accept-encoding");
        if (mayChange(request, response, head)) waiting = head;
        else send.head(request.method === "HEAD" && isKnown(request, head) ? notModified(head) : head);
        return response;
      },
      write(chunk: Chunk, ...rest: unknown[]): boolean {
        if (coder) return writeCoded(coder, chunk);
        if (!waiting) return send.write(chunk, ...rest);
        if (!isStream(waiting) && held === undefined) {
          held = chunk;
          return true;
        }
        const coding = isStream(waiting) ? streamCoding(request, waiting) : undefined;
        if (coding === undefined || coders >= mostCoders) {
          release();
          return send.write(chunk, ...rest);
        }
        setCoding(waiting.headers, coding);
        release();
        coder = startCoder(coding, response, send.write);
        return writeCoded(coder, chunk);
      },
      end(...args: unknown[]) {
        if (coder) {
          const { stream } = coder;
          stream.once("end", () => send.end());
          if (isChunk(args[0])) stream.end(args[0]);
          else stream.end();
          return response;
        }
        const head = waiting;
        const body = held ?? (isChunk(args[0]) ? args[0] : undefined);
        if (!head || isStream(head) || body === undefined || (held !== undefined && isChunk(args[0]))) {
          release();
          return send.end(...args);
        }
        waiting = undefined;
        held = undefined;
        void sendWhole({ request, response, head, body: asBytes(body), compressFromBytes, send });
        return response;
      },
    });
  };
}

interface Whole {
  readonly request: Request;
  readonly response: Response;
  readonly head: Head;
  readonly body: Uint8Array;
  readonly compressFromBytes: number;
  readonly send: { head(head: Head): unknown; end(...args: unknown[]): unknown };
}

async function sendWhole({ request, response, head, body, compressFromBytes, send }: Whole): Promise<void> {
  const { headers } = head;
  const coding = body.byteLength >= compressFromBytes ? codingOf(request, head) : undefined;
  if (isCacheableRead(request, head)) {
    headers.etag ??= tagOf(body);
    if (isKnown(request, head)) {
      if (coding) setCoding(headers, coding);
      send.head(notModified(head));
      send.end();
      return;
    }
  }
  const compressed = coding && (await compressWhole(coding, body).catch(() => undefined));
  if (response.destroyed) return;
  if (coding && compressed) setCoding(headers, coding);
  const sent = compressed ?? body;
  headers["content-length"] = sent.byteLength;
  send.head(head);
  send.end(sent);
}

/** Whether the client has what a read would return. */
function isKnown(request: Request, { status, headers }: Head): boolean {
  const value = request.headers["if-none-match"];
  return status === 200 && value !== undefined && headers.etag !== undefined
    ? isNamedBy(value, String(headers.etag))
    : false;
}

const ofContent = ["content-type", "content-length", "content-encoding"];

function notModified({ headers }: Head): Head {
  const kept = Object.entries(headers).filter(([name]) => !ofContent.includes(name));
  return { status: 304, headers: Object.fromEntries(kept) };
}

/** Whether the head depends on the body, or the body on the client. */
function mayChange(request: Request, response: Response, head: Head): boolean {
  const { status, headers } = head;
  if (status < 200 || status === 204 || status === 304 || request.method === "HEAD") return false;
  // The rest of the request is still awaited: the answer may not wait with it.
  if ((headers.connection ?? response.getHeader("connection")) === "close" && !request.complete) return false;
  if (isStream(head)) return streamCoding(request, head) !== undefined;
  return isCacheableRead(request, head) || codingOf(request, head) !== undefined;
}

function isCacheableRead({ method }: Request, { status, headers }: Head): boolean {
  return method === "GET" && status === 200 && !String(headers["cache-control"] ?? noStore).includes(noStore);
}

/** The coding for content that gets none elsewhere. */
function codingOf({ headers: asked }: Request, { headers }: Head): Coding | undefined {
  if (headers["content-encoding"] !== undefined || !isCompressible(headers["content-type"])) return undefined;
  if (String(headers["cache-control"] ?? "").includes("no-transform")) return undefined;
  return negotiateCoding([asked["accept-encoding"]].flat().join(","));
}

/** A REST stream says so itself; the transcoder asks proxies not to collect it. */
function isStream({ headers }: Head): boolean {
  return headers["x-accel-buffering"] === "no";
}

const streamTypes = ["application/x-ndjson", "text/event-stream"];

function streamCoding(request: Request, head: Head): Coding | undefined {
  return streamTypes.includes(String(head.headers["content-type"])) ? codingOf(request, head) : undefined;
}

function setCoding(headers: OutgoingHttpHeaders, coding: Coding): void {
  headers["content-encoding"] = coding;
  delete headers["content-length"];
  if (headers.etag !== undefined) headers.etag = codedTag(String(headers.etag), coding);
}

function writeCoded({ stream, flush }: StreamCoder, chunk: Chunk): boolean {
  const more = stream.write(chunk);
  flush();
  return more;
}

function isChunk(value: unknown): value is Chunk {
  return typeof value === "string" || value instanceof Uint8Array;
}

function asBytes(chunk: Chunk): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk) : chunk;
}
