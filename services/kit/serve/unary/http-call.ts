import type { Message } from "@bufbuild/protobuf";
import type { Arrival } from "../../chain/arrival.js";
import type { Request, Response } from "../listen.js";
import type { Pace } from "../pace.js";
import { takeInUnread } from "../unread-body.js";
import type { Compression } from "./compression.js";
import type { Head } from "./fields.js";
import type { UnaryMethod } from "./method-table.js";
import { bodyMalformed, messageTooLarge } from "./refusals.js";
import { readBody } from "./request-body.js";
import { WireCall, type WireSettings } from "./wire-call.js";

/** What calls over Node's requests share. */
export interface HttpSettings extends WireSettings {
  readonly pace: Pace;
}

/** What a call over HTTP begins with. */
export interface HttpRequest {
  readonly request: Request;
  readonly response: Response;
  readonly arrival: Arrival;
  readonly target: UnaryMethod;
}

/** A unary call on Node's request and response, of either version of HTTP. */
export abstract class HttpCall extends WireCall {
  readonly #request: Request;
  readonly #response: Response;
  readonly #pace: Pace;

  constructor({ request, response, arrival, target }: HttpRequest, settings: HttpSettings) {
    super(target, request.headers, arrival, settings);
    this.#request = request;
    this.#response = response;
    this.#pace = settings.pace;
  }

  protected override get status(): number {
    return this.#response.statusCode;
  }

  get requestMethod(): string {
    return this.#request.method ?? "";
  }

  get url(): string {
    const authority = this.headers[":authority"] ?? this.headers.host ?? "localhost";
    const scheme = "encrypted" in this.#request.socket ? "https" : "http";
    return `${scheme}://${authority}${this.#request.url ?? ""}`;
  }

  /** The most bytes that the body may have. */
  protected get bodyLimit(): number {
    return this.settings.limit;
  }

  protected abstract receive(body: Uint8Array): void;

  /** Reads the body, and goes on from there. */
  start(): void {
    const stopReading = readBody(
      this.#request,
      { limit: this.bodyLimit, pace: this.#pace, timers: this.settings.timers },
      {
        complete: (body) => this.receive(body),
        tooLarge: () => this.#refuseUnread(),
        stalled: () => this.cutOff(),
      },
    );
    this.whenGone(stopReading);
  }

  /** Hears when the exchange is over, one way or the other. */
  protected whenGone(stopReading: () => void): void {
    this.#response.on("close", () => {
      stopReading();
      this.leave();
    });
  }

  #refuseUnread(): void {
    takeInUnread(this.#request, this.#response);
    this.refuse(messageTooLarge(this.settings.limit));
  }

  protected unpack(data: Uint8Array, compression: Compression, json: boolean): void {
    compression.decompress(data, this.settings.limit).then(
      (unpacked) => this.parse(unpacked, json),
      (error) => this.refuse(error),
    );
  }

  protected parse(data: Uint8Array, json: boolean): void {
    let message: Message;
    try {
      const { input } = this.target;
      message = json ? input.readJson(data) : input.readBinary(data);
    } catch (cause) {
      this.refuse(bodyMalformed((cause as Error).message, cause));
      return;
    }
    this.serve(message);
  }

  /** Writes the whole answer; takes `head` over. */
  protected write(status: number, head: Head, body: Uint8Array | string): void {
    const response = this.#response;
    if (response.destroyed) return;
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    head["content-length"] = length;
    response.writeHead(status, head);
    // What is ASCII alone is copied, without a look at each character.
    if (typeof body === "string" && length === body.length) response.end(body, "latin1");
    else response.end(body);
  }

  protected override breakOff(): void {
    this.#response.destroy();
  }
}
