import { isUtf8 } from "node:buffer";
import type { Message } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { errors } from "../../kit/errors.js";
import { decompress, isGzip } from "./content-coding.js";
import type { RestRequest } from "./exchange.js";
import type { JsonCodec } from "./json.js";
import { type BodyLimits, readBytes } from "./read-bytes.js";
import type { Route } from "./route.js";

/** The request message that a body makes; the text is absent when the body is empty or no JSON. */
export interface ReadBody {
  readonly input: Message;
  readonly text?: string;
}

/** Makes a route's request message of the body, and hands it to `use`, at once where a route has none. */
export type BodyReader = (
  request: RestRequest,
  use: (body: ReadBody) => Message,
) => Message | Promise<Message>;

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
  if (body === undefined) return (_, use) => use({ input: create(method.input) });
  if (takesRaw(route)) {
    return (request, use) =>
      readContent(request, limits, (bytes) => use({ input: rawInput(route, request, bytes) }));
  }
  const field = body === "*" ? undefined : body;
  const read = codec.reader(method.input, { ignoreUnknown, ...(field && { field }) });
  const parse = (request: RestRequest, bytes: Buffer): ReadBody => {
    if (bytes.length === 0) return { input: create(method.input) };
    requireType(request, jsonType, "application/json");
    if (!isUtf8(bytes)) throw errors.bodyMalformed({ problem: "it is not UTF-8" });
    const text = bytes.toString("utf8");
    return { input: read(text), text };
  };
  return (request, use) => readContent(request, limits, (bytes) => use(parse(request, bytes)));
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
function readContent<T>(
  request: RestRequest,
  limits: BodyLimits,
  make: (bytes: Buffer) => T,
): Promise<Awaited<T>> {
  if (!isGzip(request)) return readBytes(request, limits, make);
  return readBytes(request, limits, (bytes) =>
    bytes.length > 0 ? decompress(bytes, limits.maxBytes).then(make) : make(bytes),
  );
}
