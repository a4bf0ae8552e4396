import type { Message } from "@bufbuild/protobuf";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";
import type { UnaryCall } from "../../calls/unary-call.js";
import {
  type Compression,
  compressFromBytes,
  requestCompression,
  responseCompression,
} from "./compression.js";
import { compressedFrame, envelopeBytes, frame, openEnvelope, sealEnvelope } from "./envelope.js";
import { addFields, type Fields, fieldsOf, type Head, trailerOf } from "./fields.js";
import { okStatus, statusOf } from "./grpc-status.js";
import { HttpCall, type HttpRequest, type HttpSettings } from "./http-call.js";
import { bodyMalformed, compressionUnknown, compressionUnnamed } from "./refusals.js";

const acceptEncoding = "grpc-accept-encoding";
const trailerFlag = 0x80;
const textType = "application/grpc-web-text";
/** The end of an answer without trailers of its own. */
const okEnd = trailerFrame(okStatus);

/** How messages and bodies of a content type are written. */
export interface GrpcWebForm {
  readonly json: boolean;
  /** Whether the body is in base64. */
  readonly text: boolean;
}

/** The content types of gRPC-Web. */
export const grpcWebTypes: ReadonlyMap<string, GrpcWebForm> = new Map(
  [false, true].flatMap((text): [string, GrpcWebForm][] => {
    const type = text ? textType : "application/grpc-web";
    return [
      [type, { json: false, text }],
      [`${type}+proto`, { json: false, text }],
      [`${type}+json`, { json: true, text }],
    ];
  }),
);

/** A unary call of gRPC-Web, whose trailers are the last frame of the body. */
export class GrpcWebCall extends HttpCall {
  readonly protocolName = "grpc-web";
  readonly #form: GrpcWebForm;
  #compression: Compression | undefined;
  #responseCompression: Compression | undefined;

  constructor(request: HttpRequest, settings: HttpSettings, form: GrpcWebForm) {
    super(request, settings);
    this.#form = form;
  }

  protected override get bodyLimit(): number {
    const bytes = this.settings.limit + envelopeBytes;
    // Four characters for three bytes, and padding.
    return this.#form.text ? Math.ceil(bytes / 3) * 4 + 4 : bytes;
  }

  protected override receive(body: Uint8Array): void {
    if (!this.readTimeout("grpc-timeout") || !this.#negotiate()) return;
    const { limit } = this.settings;
    const binary = this.#form.text ? decodeText(body) : body;
    if (!binary) {
      this.refuse(bodyMalformed("it is no base64"));
      return;
    }
    const opened = openEnvelope(binary, limit, trailerFlag);
    if (opened.kind === "broken") this.refuse(opened.error);
    else if (!opened.compressed) this.parse(opened.data, this.#form.json);
    else if (this.#compression) this.unpack(opened.data, this.#compression, this.#form.json);
    else this.refuse(compressionUnnamed());
  }

  #negotiate(): boolean {
    const name = this.headers["grpc-encoding"] as string | undefined;
    const compression = requestCompression(name);
    if (compression === "unknown") {
      this.refuse(compressionUnknown(name ?? "", acceptEncoding));
      return false;
    }
    this.#compression = compression;
    this.#responseCompression = responseCompression(
      this.headers[acceptEncoding] as string | undefined,
      compression,
    );
    return true;
  }

  protected override sendReply(reply: UnaryResponse): void | Promise<void> {
    const bytes = this.#encode(reply.message);
    const head: Head = {};
    addFields(head, reply.header);
    const trailer = trailerOf(reply);
    const end = trailer ? trailerFrame({ ...fieldsOf(trailer), ...okStatus }) : okEnd;
    const compression = this.#responseCompression;
    if (!compression) return this.#send(head, Buffer.concat([bytes, end]));
    head["grpc-encoding"] = compression.name;
    if (bytes.length - envelopeBytes < compressFromBytes)
      return this.#send(head, Buffer.concat([bytes, end]));
    return compression
      .compress(bytes.subarray(envelopeBytes))
      .then((packed) => this.#send(head, Buffer.concat([compressedFrame(packed), end])));
  }

  #encode(message: Message): Uint8Array {
    const { output } = this.target;
    return this.#form.json
      ? frame(Buffer.from(output.writeJson(message)), 0)
      : sealEnvelope(output.writeBinary(message, envelopeBytes));
  }

  protected override sendError(error: ConnectError, call: UnaryCall | undefined): void {
    const head: Head = {};
    if (call) addFields(head, call.responseHeader);
    const trailers = { ...(call && fieldsOf(call.responseTrailer)), ...statusOf(error) };
    this.#send(head, trailerFrame(trailers));
  }

  #send(head: Head, body: Uint8Array): void {
    const { text, json } = this.#form;
    const accepted = this.headers.accept ?? "";
    const asText = text || accepted.startsWith(textType);
    head["content-type"] = `${asText ? textType : "application/grpc-web"}+${json ? "json" : "proto"}`;
    const bytes = asText ? Buffer.from(Buffer.from(body).toString("base64"), "latin1") : body;
    this.write(200, head, bytes);
  }
}

/** Trailers as a frame: a block of HTTP/1.1 header lines with names in lower case. */
export function trailerFrame(trailers: Fields): Uint8Array {
  const lines = Object.entries(trailers).flatMap(([name, value]) =>
    [value].flat().map((one) => `${name}: ${one}\r\n`),
  );
  return frame(Buffer.from(lines.join(""), "latin1"), trailerFlag);
}

const notBase64 = /[^A-Za-z0-9+/=]/;

/**
 * The bytes of a body in base64, which may be several pieces, each with its own
 * padding, one behind the other; undefined when it is none.
 */
export function decodeText(body: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
  if (text.length % 4 !== 0 || notBase64.test(text)) return undefined;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < text.length; ) {
    const padding = text.indexOf("=", at);
    // Padding ends a group of four, and a piece with it.
    const end = padding < 0 ? text.length : padding + 4 - (padding % 4);
    const piece = text.slice(at, end);
    if (!/^[^=]*={0,2}$/.test(piece) || piece.endsWith("===")) return undefined;
    pieces.push(Buffer.from(piece, "base64"));
    at = end;
  }
  return Buffer.concat(pieces);
}
