import { isUtf8 } from "node:buffer";
import { create, type Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { errorFacts, errors } from "../../kit/errors.js";
import type { Bindable, BindOptions, Fill } from "./bind.js";
import { planFill } from "./bind.js";
import { rawInput, requireType, takesRaw } from "./body.js";
import { requireUncompressed } from "./content-coding.js";
import type { RestRequest } from "./exchange.js";
import { type Intake, takeIn } from "./intake.js";
import type { Route } from "./route.js";

/** The messages of an upload, read while the method asks for them. */
export interface Upload {
  readonly messages: AsyncIterable<Message>;
  /** What was wrong with the upload, once the messages have failed of it. */
  failure(): unknown;
  /** Takes nothing more in. */
  stop(): void;
}

/** Begins an upload. Throws what is wrong with its path, query and type before any of it is read. */
export type BeginUpload = (bindable: Bindable) => Upload;

/** What taking an upload in is made of, beside binding. */
export interface UploadOptions extends BindOptions {
  /** Of the upload altogether, in bytes. */
  readonly uploadBytes: number;
  /** Between two messages, in milliseconds. */
  readonly idleMs: number;
}

const lineTypes = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonlines|json-lines)$/;

/**
 * Plans how a route's upload becomes messages: one for each line of JSON; one
 * for each piece as it arrives where the body is a `google.api.HttpBody`; a
 * single one of path and query where the route has no body. Path and query are
 * set on every message.
 */
export function planUpload(route: Route, options: UploadOptions): BeginUpload {
  const planned = planFill(route, options);
  const read = planMessages(route, options);
  return ({ request, segments, query }) => {
    const fill = planned(segments, query);
    // Once without a body, so that a bad query is refused before the call.
    if (query !== "") fill(create(route.method.input));
    return read(request, fill);
  };
}

type ReadMessages = (request: RestRequest, fill: Fill) => Upload;

function planMessages(route: Route, options: UploadOptions): ReadMessages {
  const { startTimer } = options.body;
  const begin = (request: RestRequest) => takeIn(request, { maxBytes: options.uploadBytes, startTimer });
  if (route.body === undefined)
    return (_, fill) => uploadOf(undefined, only(fill(create(route.method.input))));
  if (takesRaw(route)) {
    return (request, fill) => {
      requireUncompressed(request);
      const intake = begin(request);
      return uploadOf(
        intake,
        pieces(intake, options, (data) => fill(rawInput(route, request, data))),
      );
    };
  }
  const readLine = planLine(route, options);
  return (request, fill) => {
    requireUncompressed(request);
    requireType(request, lineTypes, "application/x-ndjson");
    const intake = begin(request);
    return uploadOf(
      intake,
      numbered(lines(intake, options), (line) => readLine(line, fill)),
    );
  };
}

function uploadOf(intake: Intake | undefined, messages: AsyncGenerator<Message>): Upload {
  let failure: unknown;
  async function* watched() {
    try {
      yield* messages;
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      intake?.stop();
    }
  }
  return { messages: watched(), failure: () => failure, stop: () => intake?.stop() };
}

async function* only(message: Message) {
  yield message;
}

async function* pieces(intake: Intake, { body }: UploadOptions, read: (data: Uint8Array) => Message) {
  let empty = true;
  intake.keepPace(body);
  for (;;) {
    const piece = await intake.next();
    if (!piece) break;
    empty = false;
    for (let at = 0; at < piece.length; at += body.maxBytes)
      yield read(piece.subarray(at, at + body.maxBytes));
  }
  intake.relax();
  // An empty file is one too: its name and type must arrive.
  if (empty) yield read(new Uint8Array());
}

const newline = 10;

/** The lines of a body, blank ones left out. Each is bounded in bytes, and arrives like a body of its own. */
async function* lines(intake: Intake, { body, idleMs }: UploadOptions): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let size = 0;
  const add = (part: Buffer): void => {
    size += part.length;
    if (size > body.maxBytes) throw errors.bodyTooLarge({ limit_bytes: body.maxBytes });
    if (part.length > 0) parts.push(part);
  };
  const take = (): Buffer => {
    const line = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    parts = [];
    size = 0;
    return line;
  };
  for (;;) {
    if (size === 0) intake.within(idleMs);
    const chunk = await intake.next();
    if (!chunk) break;
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      intake.relax();
      add(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (!isBlank(line)) yield line;
    }
    if (size === 0 && start < chunk.length) intake.keepPace(body);
    add(chunk.subarray(start));
  }
  intake.relax();
  const last = take();
  if (!isBlank(last)) yield last;
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 32 || byte === 9 || byte === 13);
}

function planLine(route: Route, { codec, ignoreUnknown }: UploadOptions) {
  const field = typeof route.body === "object" ? route.body : undefined;
  const read = codec.reader(route.method.input, { ignoreUnknown, ...(field && { field }) });
  return (line: Buffer, fill: Fill): Message => {
    if (!isUtf8(line)) throw errors.bodyMalformed({ problem: "it is not UTF-8" });
    const text = line.toString("utf8");
    return fill(read(text), text);
  };
}

async function* numbered(source: AsyncIterable<Buffer>, read: (line: Buffer) => Message) {
  let number = 0;
  for await (const line of source) {
    number += 1;
    yield located(number, () => read(line));
  }
}

/** Says which message a problem is in. */
function located(number: number, read: () => Message): Message {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConnectError) || errorFacts(error)?.reason !== "BODY_MALFORMED") throw error;
    const problem = error.findDetails(ErrorInfoSchema)[0]?.metadata.problem ?? "";
    throw errors.bodyMalformed({ problem: `message ${number}: ${problem}` }, error.cause);
  }
}
