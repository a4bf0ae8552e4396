import { isUtf8 } from "node:buffer";
import type { Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { errors } from "../../kit/errors.js";
import { type BodySpace, bodySpace } from "../../kit/serve/body-space.js";
import { decompress, isGzip } from "./content-coding.js";
import type { RestRequest } from "./exchange.js";
import type { JsonCodec } from "./json.js";
import type { Route } from "./route.js";

/** Starts a timer; calling what it returns stops it. */
export type StartTimer = (milliseconds: number, fire: () => void) => () => void;

/** Bounds of a request body. */
export interface BodyLimits {
  readonly maxBytes: number;
  /** Within each of these times `leastBytes` must arrive, or the body's end; in milliseconds. */
  readonly arrivalMs: number;
  readonly leastBytes: number;
  readonly startTimer: StartTimer;
  /** Memory of all bodies that arrive; the process's own unless given. */
  readonly space?: BodySpace;
}

/** Makes a route's request message of the body; the text is absent when the body is empty or no JSON. */
export type BodyReader = (request: RestRequest) => Promise<{ input: Message; text?: string }>;

const httpBody = "google.api.HttpBody";

/** Whether a field or message is raw bytes with a content type. */
export function isHttpBody(type: { readonly typeName: string } | undefined): boolean {
  return type?.typeName === httpBody;
}

/** Plans how a route reads its body. Throws what the transcoder's errors say of bodies. */
export function planBody(
  route: Route,
  codec: JsonCodec,
  ignoreUnknown: boolean,
  limits: BodyLimits,
): BodyReader {
  const { body, method } = route;
  if (body === undefined) return async () => ({ input: create(method.input) });
  const field = body === "*" ? undefined : body;
  if (takesRaw(route))
    return async (request) => ({ input: rawInput(route, request, await readContent(request, limits)) });
  const read = codec.reader(method.input, { ignoreUnknown, ...(field && { field }) });
  return async (request) => {
    const bytes = await readContent(request, limits);
    if (bytes.length === 0) return { input: create(method.input) };
    requireType(request, jsonType, "application/json");
    if (!isUtf8(bytes)) throw errors.bodyMalformed({ problem: "it is not UTF-8" });
    const text = bytes.toString("utf8");
    return { input: read(text), text };
  };
}

/** Whether the body of a route is raw bytes. */
export function takesRaw({ body, method }: Route): boolean {
  if (body === undefined) return false;
  if (body === "*") return isHttpBody(method.input);
  return body.fieldKind === "message" && isHttpBody(body.message);
}

/** The request message of a route that takes raw bytes. */
export function rawInput({ method, body }: Route, request: RestRequest, data: Uint8Array): Message {
  const field = typeof body === "object" ? body : undefined;
  const input = reflect(method.input);
  const target = field?.message ? reflect(field.message) : input;
  const [contentType, bytes] = ["content_type", "data"].map((name) =>
    target.fields.find((candidate) => candidate.name === name),
  );
  if (contentType) target.set(contentType, request.headers["content-type"] ?? "");
  if (bytes) target.set(bytes, new Uint8Array(data));
  if (field) input.set(field, target);
  return input.message;
}

const jsonType = /^application\/(?:[a-z0-9!#$&^_.+-]+\+)?json$/;

/** Refuses with MEDIA_TYPE_UNSUPPORTED a body that says to be of another type or not in UTF-8. */
export function requireType({ headers }: RestRequest, accepted: RegExp, expected: string): void {
  const given = headers["content-type"];
  if (given === undefined || given === expected) return;
  const [type = "", ...parameters] = given.toLowerCase().split(";");
  if (!accepted.test(type.trim())) throw unsupported(given, expected);
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith("charset="));
  if (charset && !/^charset="?utf-?8"?$/.test(charset)) throw unsupported(given, "UTF-8");
}

function unsupported(mediaType: string, expected: string) {
  return errors.mediaTypeUnsupported({ media_type: mediaType, expected });
}

/** Reads a whole body, and what is in it when it comes by gzip; the limit counts for both. */
async function readContent(request: RestRequest, limits: BodyLimits): Promise<Buffer> {
  const compressed = isGzip(request);
  const bytes = await readBytes(request, limits);
  return compressed && bytes.length > 0 ? decompress(bytes, limits.maxBytes) : bytes;
}

/** What ends a body before its end. HTTP/2 tells of a request taken back by `aborted`, and of its end after that. */
export const abrupt = ["aborted", "close", "error"] as const;

/**
 * Reads a whole body. Rejects with BODY_TOO_LARGE as soon as that is known,
 * with BODY_TIMEOUT, with BODY_SPACE_EXHAUSTED, or with CANCELED when the client goes away.
 */
export function readBytes(
  request: RestRequest,
  { maxBytes, arrivalMs, leastBytes, startTimer, space = bodySpace }: BodyLimits,
): Promise<Buffer> {
  const tooLarge = () => errors.bodyTooLarge({ limit_bytes: maxBytes });
  return new Promise((resolve, reject) => {
    if (request.destroyed) return reject(errors.canceled());
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) return reject(tooLarge());
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      space.take(chunk.length);
      if (size > maxBytes) fail(tooLarge());
      else if (space.exhausted) fail(errors.bodySpaceExhausted());
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      stop();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    };
    const onGone = (): void => fail(errors.canceled());
    const stop = (): void => {
      stopTimer();
      space.give(size);
      request.off("data", onData).off("end", onEnd);
      for (const end of abrupt) request.off(end, onGone);
    };
    const fail = (error: Error): void => {
      stop();
      request.pause();
      reject(error);
    };
    // A large body over a slow line may take as long as it needs, while it makes progress.
    const watch = (from: number) =>
      startTimer(arrivalMs, () => {
        if (size - from < leastBytes) fail(errors.bodyTimeout({ limit_ms: arrivalMs }));
        else stopTimer = watch(size);
      });
    let stopTimer = watch(0);
    request.on("data", onData).on("end", onEnd);
    for (const end of abrupt) request.on(end, onGone);
  });
}
