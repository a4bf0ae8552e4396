import type { JsonWriteOptions, Registry } from "@bufbuild/protobuf";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import type { UnaryCall } from "../../calls/unary-call.js";
import {
  type Compression,
  compressFromBytes,
  requestCompression,
  responseCompression,
} from "./compression.js";
import { addFields, type Head, trailerOf } from "./fields.js";
import { HttpCall, type HttpRequest, type HttpSettings } from "./http-call.js";
import { percentDecode, rawParameter } from "./percent.js";
import { bodyMalformed, compressionUnknown, messageTooLarge } from "./refusals.js";

const acceptEncoding = "accept-encoding";
const trailerPrefix = "trailer-";

/** How messages of a content type are written. */
export type ConnectForm = "binary" | "json";

/** The content types of unary calls of Connect. */
export const connectTypes: ReadonlyMap<string, ConnectForm> = new Map([
  ["application/proto", "binary"],
  ["application/json", "json"],
  ["application/json; charset=utf-8", "json"],
  ["application/json;charset=utf-8", "json"],
]);

/** What calls of Connect share. */
export interface ConnectSettings extends HttpSettings {
  /** Types that details of errors may hold. */
  readonly registry: Registry | undefined;
}

/** A unary call of Connect: the message is the body, or stands in the query. */
export class ConnectCall extends HttpCall {
  readonly protocolName = "connect";
  readonly #form: ConnectForm;
  readonly #jsonOptions: Partial<JsonWriteOptions>;
  #responseCompression: Compression | undefined;

  constructor(request: HttpRequest, settings: ConnectSettings, form: ConnectForm) {
    super(request, settings);
    this.#form = form;
    this.#jsonOptions = { registry: settings.registry };
  }

  protected override receive(body: Uint8Array): void {
    this.#accept(body, this.headers["content-encoding"]);
  }

  /** Takes the message from the query, as it is asked for by GET. */
  startFromQuery(query: string): void {
    this.whenGone(() => undefined);
    const message = percentDecode(rawParameter(query, "message") ?? "");
    const compression = rawParameter(query, "compression");
    const isBase64 = rawParameter(query, "base64") === "1";
    const data = isBase64 ? decodeBase64(message) : message;
    if (!data) this.refuse(bodyMalformed("the message is no base64"));
    else if (data.length > this.settings.limit) {
      this.refuse(messageTooLarge(this.settings.limit));
    } else this.#accept(data, compression && percentDecode(compression).toString());
  }

  #accept(data: Uint8Array, encoding: string | undefined): void {
    if (!this.readTimeout("connect-timeout-ms")) return;
    const compression = requestCompression(encoding);
    if (compression === "unknown") {
      this.refuse(compressionUnknown(encoding ?? "", acceptEncoding));
      return;
    }
    this.#responseCompression = responseCompression(
      this.headers[acceptEncoding] as string | undefined,
      compression,
    );
    if (compression) this.unpack(data, compression, this.#form === "json");
    else this.parse(data, this.#form === "json");
  }

  protected override sendReply(reply: UnaryResponse): void | Promise<void> {
    const { output } = this.target;
    const json = this.#form === "json";
    const head: Head = { "content-type": json ? "application/json" : "application/proto" };
    addFields(head, reply.header);
    const trailer = trailerOf(reply);
    if (trailer) addFields(head, trailer, trailerPrefix);
    return this.#send(200, head, json ? output.writeJson(reply.message) : output.writeBinary(reply.message));
  }

  protected override sendError(error: ConnectError, call: UnaryCall | undefined): void | Promise<void> {
    const head: Head = { "content-type": "application/json" };
    if (call) {
      addFields(head, call.responseHeader);
      addFields(head, call.responseTrailer, trailerPrefix);
    }
    addFields(head, error.metadata);
    const text = JSON.stringify(errorToJson(error, this.#jsonOptions));
    return this.#send(codeToHttpStatus(error.code), head, text);
  }

  #send(status: number, head: Head, body: Uint8Array | string): void | Promise<void> {
    const compression = this.#responseCompression;
    if (!compression || body.length < compressFromBytes) return this.write(status, head, body);
    return compression
      .compress(typeof body === "string" ? Buffer.from(body) : body)
      .then((bytes) => this.write(status, { ...head, "content-encoding": compression.name }, bytes));
  }
}

const notBase64 = /[^A-Za-z0-9+/_-]/;

/** Both alphabets, with or without padding; undefined for anything else. */
export function decodeBase64(encoded: Uint8Array): Uint8Array | undefined {
  const text = Buffer.from(encoded).toString("latin1");
  const padding = text.endsWith("==") ? 2 : Number(text.endsWith("="));
  const digits = text.slice(0, text.length - padding);
  const rest = digits.length % 4;
  if (notBase64.test(digits) || rest === 1 || (padding > 0 && rest + padding !== 4)) return undefined;
  return Buffer.from(digits, "base64");
}
