import { goawayError, resetError } from "../wire-errors.js";
import type { Frame } from "./frame-reader.js";
import type { FramingStream } from "./framing-stream.js";
import type { HeaderEncoder } from "./header-encoder.js";
import type { Outgoing } from "./outgoing.js";
import { requireLength } from "./payload.js";
import { errorCode, flag, frameType, largest31 } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";
import { readSettings } from "./settings.js";
import type { StreamRegister } from "./stream-register.js";

const pingLength = 8;
/** Octets of GOAWAY before what it says for people. */
const goawayLength = 8;

/** What control frames act upon. */
export interface ControlOptions {
  readonly streams: StreamRegister;
  readonly outgoing: Outgoing;
  readonly encoder: HeaderEncoder;
  /** How many calls at once the server takes. */
  onGranted(calls: number): void;
  /** The server ended a stream; `unsent` when it has not begun with the call. */
  onReset(stream: FramingStream, error: ReturnType<typeof resetError>, unsent: boolean): void;
  /** The server takes no stream above the last; with an error where it does not only go away. */
  onGoaway(last: number, error: Error | undefined): void;
  /** Counts a frame that brings no answer forward. */
  onUseless(): void;
}

/** Reads the frames that carry no part of an answer. */
export class ControlFrames {
  readonly #options: ControlOptions;
  #greeted = false;
  #lastTaken = largest31;
  #pings = 0;
  #onPong: (() => void) | undefined;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  /** Whether the server's first SETTINGS, with which it has to begin (RFC 9113, section 3.4), have come. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** Asks for a sign of life. Only the last question is waited for. */
  ping(onAnswer: () => void): void {
    this.#pings += 1;
    this.#onPong = onAnswer;
    const payload = Buffer.alloc(pingLength);
    payload.writeUInt32BE(this.#pings % largest31);
    this.#options.outgoing.ping(payload, flag.none);
  }

  /** Throws a StreamFault for what is wrong with one stream. */
  take(frame: Frame): void {
    switch (frame.type) {
      case frameType.rstStream:
        this.#reset(frame);
        break;
      case frameType.settings:
        this.#settings(frame);
        break;
      case frameType.ping:
        this.#ping(frame);
        break;
      case frameType.goaway:
        this.#goaway(frame);
        break;
      case frameType.windowUpdate:
        this.#windowUpdate(frame);
        break;
      case frameType.pushPromise:
        throw broken("a push, which nobody allowed");
      default:
        // PRIORITY has no meaning any more (section 5.3.2), and unknown ones have none yet (section 4.1).
        this.#options.onUseless();
    }
  }

  #reset(frame: Frame): void {
    requireLength(frame, 4, "RST_STREAM");
    const stream = this.#options.streams.of(frame.stream);
    if (!stream) {
      this.#options.onUseless();
      return;
    }
    const code = frame.payload.readUInt32BE(0);
    // Section 8.7: who refuses a stream has processed nothing of it.
    const unsent = code === errorCode.refusedStream && !stream.answered;
    this.#options.onReset(stream, resetError(code), unsent);
  }

  #settings(frame: Frame): void {
    const { streams, outgoing, encoder } = this.#options;
    requireConnection(frame, "SETTINGS");
    this.#options.onUseless();
    if ((frame.flags & flag.ack) !== 0) {
      requireLength(frame, 0, "acknowledged SETTINGS");
      if (!this.#greeted) throw broken("a beginning without SETTINGS");
      return;
    }
    const settings = readSettings(frame.payload, outgoing.settings);
    outgoing.apply(settings, streams.above(0));
    encoder.limitTable(settings.headerTableSize);
    outgoing.acknowledgeSettings();
    this.#greeted = true;
    this.#options.onGranted(settings.maxConcurrentStreams);
  }

  #ping(frame: Frame): void {
    requireConnection(frame, "PING");
    requireLength(frame, pingLength, "PING");
    const { flags, payload } = frame;
    const asked = this.#onPong;
    if ((flags & flag.ack) === 0) {
      this.#options.onUseless();
      this.#options.outgoing.ping(payload, flag.ack);
    } else if (asked && payload.readUInt32BE(0) === this.#pings % largest31) {
      this.#onPong = undefined;
      asked();
    } else this.#options.onUseless();
  }

  /** Streams above the last that the server names were never looked at (section 6.8). */
  #goaway(frame: Frame): void {
    requireConnection(frame, "GOAWAY");
    const { payload } = frame;
    if (payload.length < goawayLength)
      throw new ConnectionFault(errorCode.frameSize, "GOAWAY that is too short");
    this.#options.onUseless();
    const last = payload.readUInt32BE(0) & largest31;
    if (last > this.#lastTaken) throw broken("GOAWAY that takes back another");
    this.#lastTaken = last;
    const code = payload.readUInt32BE(4);
    this.#options.onGoaway(last, code === errorCode.none ? undefined : goawayError(code));
  }

  #windowUpdate(frame: Frame): void {
    const { streams, outgoing } = this.#options;
    requireLength(frame, 4, "WINDOW_UPDATE");
    this.#options.onUseless();
    const octets = frame.payload.readUInt32BE(0) & largest31;
    if (frame.stream === 0) {
      outgoing.widenAll(octets);
      return;
    }
    const stream = streams.of(frame.stream);
    if (stream) outgoing.widen(stream, octets);
  }
}

function requireConnection({ stream }: Frame, type: string): void {
  if (stream !== 0) throw broken(`${type} on a stream`);
}

function broken(message: string): ConnectionFault {
  return new ConnectionFault(errorCode.protocol, message);
}
