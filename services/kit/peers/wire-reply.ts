import type { IncomingHttpHeaders, IncomingHttpStatusHeader } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { validateResponseWithCompression, validateTrailer } from "@connectrpc/connect/protocol-grpc";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";

const compressions = [compressionGzip, compressionBrotli];
/** A message has one byte of flags and four of length before it. */
export const prefixLength = 5;
const unknownCompression = "received compressed envelope, but do not know how to decompress";
const plainTypes: ReadonlySet<unknown> = new Set(["application/grpc", "application/grpc+proto"]);
const plainEncodings: ReadonlySet<unknown> = new Set([
  undefined,
  "identity",
  ...compressions.map(({ name }) => name),
]);

/** The compressions that answers may have, for `grpc-accept-encoding`. */
export const acceptedEncodings = compressions.map(({ name }) => name).join(",");

/** Headers or trailers as node:http2 reads them. */
export type ReplyHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** Everything that came as the answer to a unary call. */
export interface RawReply {
  readonly header: ReplyHeaders;
  readonly trailer: ReplyHeaders;
  readonly body: Buffer;
}

/**
 * The one message of an answer. Throws the status that the server sent, or an
 * error for whatever breaks the protocol, as Connect's transport does; rejects
 * so for a compressed answer.
 */
export function messageOf(reply: RawReply, maxBytes: number): Uint8Array | Promise<Uint8Array> {
  return isPlain(reply) ? reply.body.subarray(prefixLength) : carefully(reply, maxBytes);
}

/** The error of a message that is larger than this side takes or sends. */
export function tooLarge(way: "read" | "write", bytes: number, maxBytes: number): ConnectError {
  const message = `message size ${bytes} is larger than configured ${way}MaxBytes ${maxBytes}`;
  return new ConnectError(message, Code.ResourceExhausted);
}

/** An answer without anything that would have to be looked into. */
function isPlain({ header, trailer, body }: RawReply): boolean {
  return (
    trailer["grpc-status"] === "0" &&
    header[":status"] === 200 &&
    plainTypes.has(header["content-type"]) &&
    header["grpc-status"] === undefined &&
    trailer["grpc-status-details-bin"] === undefined &&
    plainEncodings.has(header["grpc-encoding"]) &&
    body.length >= prefixLength &&
    body[0] === 0 &&
    body.length === prefixLength + body.readUInt32BE(1)
  );
}

async function carefully({ header, trailer, body }: RawReply, maxBytes: number): Promise<Uint8Array> {
  const headers = webHeaders(header);
  const trailers = webHeaders(trailer);
  const status = Number(header[":status"] ?? 0);
  const { compression, headerError } = validateResponseWithCompression(compressions, status, headers);
  const messages = await Promise.all(
    envelopes(body, maxBytes).map(({ compressed, data }) => {
      if (!compressed) return data;
      if (!compression) throw new ConnectError(unknownCompression, Code.Internal);
      return compression.decompress(data, maxBytes);
    }),
  );
  if (messages.length > 1) {
    throw new ConnectError(
      "protocol error: received extra output message for unary method",
      Code.Unimplemented,
    );
  }
  validateTrailer(trailers, headers);
  const [message] = messages;
  if (message && headerError) {
    const problem = "protocol error: received output message for unary method with error status";
    throw new ConnectError(problem, Code.Unknown);
  }
  if (message) return message;
  const code = trailers.has("grpc-status") ? Code.Unimplemented : Code.Unknown;
  throw headerError ?? new ConnectError("protocol error: missing output message for unary method", code);
}

interface Envelope {
  readonly compressed: boolean;
  readonly data: Uint8Array<ArrayBuffer>;
}

function envelopes(body: Buffer, maxBytes: number): Envelope[] {
  const found: Envelope[] = [];
  for (let at = 0; at < body.length; ) {
    const rest = body.subarray(at);
    const size = rest.length < prefixLength ? 0 : rest.readUInt32BE(1);
    if (size > maxBytes) throw tooLarge("read", size, maxBytes);
    const end = prefixLength + size;
    if (rest.length < end)
      throw new ConnectError("protocol error: incomplete envelope", Code.InvalidArgument);
    found.push({ compressed: (rest[0]! & 1) === 1, data: new Uint8Array(rest.subarray(prefixLength, end)) });
    at += end;
  }
  return found;
}

/** Headers as Connect has them; of pseudo-headers nothing. */
export function webHeaders(source: ReplyHeaders): Headers {
  const headers = new Headers();
  for (const name in source) {
    const value = source[name];
    if (value === undefined || name.startsWith(":")) continue;
    if (Array.isArray(value)) for (const item of value) headers.append(name, item);
    else headers.append(name, String(value));
  }
  return headers;
}
