import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { ConnectError, UnaryResponse } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import type { UnaryCall } from "../../calls/unary-call.js";
import type { Arrival } from "../../chain/arrival.js";
import type { Pace } from "../pace.js";
import {
  type Compression,
  compressFromBytes,
  requestCompression,
  responseCompression,
} from "./compression.js";
import { announcesMore, compressedFrame, envelopeBytes, openEnvelope, sealEnvelope } from "./envelope.js";
import { addFields, type Fields, fieldsOf, type Head, trailerOf } from "./fields.js";
import { okStatus, statusOf } from "./grpc-status.js";
import type { UnaryMethod } from "./method-table.js";
import { bodyMalformed, compressionUnknown, compressionUnnamed, messageTooLarge } from "./refusals.js";
import { readBody } from "./request-body.js";
import { WireCall, type WireSettings } from "./wire-call.js";

const acceptEncoding = "grpc-accept-encoding";
/** How long what is left of a refused body is still taken in, in milliseconds. */
const lingerMs = 2_000;

/** How messages of a content type are written. */
export type GrpcForm = "binary" | "json";

/** The content types of gRPC that are served here. */
export const grpcTypes: ReadonlyMap<string, GrpcForm> = new Map([
  ["application/grpc", "binary"],
  ["application/grpc+proto", "binary"],
  ["application/grpc+json", "json"],
]);

/** What calls of gRPC share. */
export interface GrpcSettings extends WireSettings {
  readonly pace: Pace;
}

/** What a call of gRPC begins with. */
export interface GrpcRequest {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly arrival: Arrival;
  readonly target: UnaryMethod;
  readonly form: GrpcForm;
}

/** As other servers of gRPC, none of which tells the date: a header more in each answer, which nobody reads. */
const whole = { sendDate: false, endStream: true };
const withTrailers = { sendDate: false, waitForTrailers: true };
const ignore = () => undefined;

function sendOk(this: ServerHttp2Stream): void {
  this.sendTrailers(okStatus);
}

/**
 * A unary call of gRPC on a stream of HTTP/2, written without Node's request
 * and response objects, whose making costs as much as serving.
 */
export class GrpcCall extends WireCall {
  readonly protocolName = "grpc";
  readonly requestMethod = "POST";
  readonly #stream: ServerHttp2Stream;
  readonly #form: GrpcForm;
  readonly #pace: Pace;
  #compression: Compression | undefined;
  #responseCompression: Compression | undefined;

  constructor({ stream, headers, arrival, target, form }: GrpcRequest, settings: GrpcSettings) {
    super(target, headers, arrival, settings);
    this.#stream = stream;
    this.#form = form;
    this.#pace = settings.pace;
  }

  protected override get status(): number {
    return 200;
  }

  get url(): string {
    const { ":scheme": scheme = "http", ":authority": authority = "" } = this.headers;
    return `${scheme}://${authority}${this.target.path}`;
  }

  /** Reads the message, and goes on from there. */
  start(): void {
    const stream = this.#stream;
    const { limit, timers } = this.settings;
    const stopReading = readBody(
      stream,
      {
        limit: limit + envelopeBytes,
        announcesTooMuch: (start) => announcesMore(start, limit),
        pace: this.#pace,
        timers,
      },
      {
        complete: (body) => this.#receive(body),
        tooLarge: () => this.refuse(messageTooLarge(limit)),
        stalled: () => this.cutOff(),
      },
    );
    stream.on("error", ignore);
    stream.on("close", () => {
      stopReading();
      this.leave();
    });
  }

  #receive(body: Uint8Array): void {
    if (!this.readTimeout("grpc-timeout") || !this.#negotiate()) return;
    const opened = openEnvelope(body, this.settings.limit);
    if (opened.kind === "broken") this.refuse(opened.error);
    else if (!opened.compressed) this.#parse(opened.data);
    else if (this.#compression) {
      this.#compression.decompress(opened.data, this.settings.limit).then(
        (data) => this.#parse(data),
        (error) => this.refuse(error),
      );
    } else this.refuse(compressionUnnamed());
  }

  #negotiate(): boolean {
    const name = this.headers["grpc-encoding"] as string | undefined;
    const accepted = this.headers[acceptEncoding] as string | undefined;
    if (name === undefined && accepted === undefined) return true;
    const compression = requestCompression(name);
    if (compression === "unknown") {
      this.refuse(compressionUnknown(name ?? "", acceptEncoding));
      return false;
    }
    this.#compression = compression;
    this.#responseCompression = responseCompression(accepted, compression);
    return true;
  }

  #parse(data: Uint8Array): void {
    let message: Parameters<typeof this.serve>[0];
    try {
      const { input } = this.target;
      message = this.#form === "binary" ? input.readBinary(data) : input.readJson(data);
    } catch (cause) {
      this.refuse(bodyMalformed((cause as Error).message, cause));
      return;
    }
    this.serve(message);
  }

  protected override sendReply(reply: UnaryResponse): void | Promise<void> {
    const bytes = this.#encode(reply);
    const compression = this.#responseCompression;
    if (!compression) return this.#send(reply, bytes, undefined);
    const { name } = compression;
    if (bytes.length - envelopeBytes < compressFromBytes) return this.#send(reply, bytes, name);
    return compression
      .compress(bytes.subarray(envelopeBytes))
      .then((compressed) => this.#send(reply, compressedFrame(compressed), name));
  }

  #encode({ message }: UnaryResponse): Uint8Array {
    const { output } = this.target;
    if (this.#form === "binary") return sealEnvelope(output.writeBinary(message, envelopeBytes));
    const text = output.writeJson(message);
    const bytes = Buffer.allocUnsafe(envelopeBytes + Buffer.byteLength(text));
    bytes.write(text, envelopeBytes, "utf8");
    return sealEnvelope(bytes);
  }

  #send(reply: UnaryResponse, bytes: Uint8Array, compression: string | undefined): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    const head = this.#head();
    addFields(head, reply.header);
    if (compression !== undefined) head["grpc-encoding"] = compression;
    const trailer = trailerOf(reply);
    const end = trailer && { ...fieldsOf(trailer), ...okStatus };
    stream.respond(head, withTrailers);
    stream.on("wantTrailers", end ? () => stream.sendTrailers(end) : sendOk);
    stream.end(bytes);
  }

  /**
   * One header block that ends the stream ("Trailers-Only"), by which proxies
   * decide on retries. Headers that the handler left go before in a block of
   * their own, and so they do for an exceeded deadline: callers who wait too
   * little would have Envoy eject a healthy replica.
   */
  protected override sendError(error: ConnectError, call: UnaryCall | undefined): void {
    const stream = this.#stream;
    if (stream.destroyed) return;
    const own = call ? fieldsOf(call.responseHeader) : {};
    const trailers: Fields = { ...(call && fieldsOf(call.responseTrailer)), ...statusOf(error) };
    if (error.code !== Code.DeadlineExceeded && Object.keys(own).length === 0) {
      stream.respond({ ...this.#head(), ...trailers }, whole);
    } else {
      stream.respond({ ...this.#head(), ...own }, withTrailers);
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end();
    }
    this.#takeInRest();
  }

  /** A client that is still sending would wait for room, and never read the answer. */
  #takeInRest(): void {
    const stream = this.#stream;
    if (stream.readableEnded) return;
    const timer = this.settings.timers.start(lingerMs, () => stream.close(constants.NGHTTP2_NO_ERROR));
    stream.on("close", () => timer.stop());
    stream.resume();
  }

  #head(): Head {
    return {
      ":status": 200,
      "content-type": this.headers["content-type"] ?? "",
    };
  }

  protected override breakOff(): void {
    this.#stream.destroy();
  }
}
