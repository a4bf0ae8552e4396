import { FrameOutput } from "./frame-output.js";
import type { FramingStream } from "./framing-stream.js";
import {
  defaultFrameSize,
  defaultWindow,
  errorCode,
  flag,
  frameType,
  largest31,
  preface,
} from "./protocol.js";
import { ConnectionFault, StreamFault } from "./protocol-error.js";
import { defaultSettings, type PeerSettings } from "./settings.js";

/** Octets after which a batch leaves, and its memory is not taken for more of a long message. */
const batchLength = 65_536;
/** Frames without a message that may wait while the server reads nothing. */
const mostControls = 4_096;

/** Where frames go. */
export interface OutgoingOptions {
  /** Sends octets, and calls back when they have left; not called again before. */
  readonly send: (octets: Buffer, left: () => void) => void;
  /** Called for each frame of data. */
  readonly onData: () => void;
}

/** Writes frames, and holds back what has no window (RFC 9113, section 5.2). */
export class Outgoing {
  readonly #output = new FrameOutput();
  readonly #send: OutgoingOptions["send"];
  readonly #onData: OutgoingOptions["onData"];
  /** Streams with something to send, in turn. */
  readonly #waiting = new Set<FramingStream>();
  #settings = defaultSettings;
  #window = defaultWindow;
  #backlog = 0;
  #controls = 0;
  #sending = false;
  #scheduled = false;
  #closed = false;

  constructor({ send, onData }: OutgoingOptions) {
    this.#send = send;
    this.#onData = onData;
  }

  /** What the server told of itself. */
  get settings(): PeerSettings {
    return this.#settings;
  }

  /** Octets of messages that wait for a window. */
  get backlog(): number {
    return this.#backlog;
  }

  /** Octets of frames that wait to leave. */
  get length(): number {
    return this.#output.length;
  }

  /** Whether the server makes us answer, and reads nothing. */
  get flooded(): boolean {
    return this.#controls > mostControls;
  }

  /** What a connection begins with (RFC 9113, section 3.4). */
  start(settings: Buffer): void {
    this.#output.append(preface);
    this.#output.frame(frameType.settings, flag.none, 0, settings);
    this.#schedule();
  }

  /** HEADERS, and CONTINUATION for what is larger than a frame. */
  headers({ id }: FramingStream, block: Uint8Array): void {
    const largest = this.#settings.maxFrameSize;
    const first = block.length > largest ? block.subarray(0, largest) : block;
    const whole = first === block;
    this.#output.frame(frameType.headers, whole ? flag.endHeaders : flag.none, id, first);
    for (let at = first.length; at < block.length; at += largest) {
      const part = block.subarray(at, at + largest);
      const last = at + largest >= block.length;
      this.#output.frame(frameType.continuation, last ? flag.endHeaders : flag.none, id, part);
    }
    this.#schedule();
  }

  /** The message of a call, which ends what we send on the stream. */
  message(stream: FramingStream, octets: Uint8Array): void {
    stream.unsent = octets;
    this.#backlog += octets.length;
    const most = Math.min(this.#window, stream.sendWindow, defaultFrameSize);
    if (this.#waiting.size === 0 && octets.length <= most) this.#sendPart(stream, octets.length);
    else this.#waiting.add(stream);
    this.#schedule();
  }

  /** Sends nothing more of a stream. */
  drop(stream: FramingStream): void {
    if (!stream.unsent) return;
    this.#backlog -= stream.unsent.length;
    stream.unsent = undefined;
    this.#waiting.delete(stream);
  }

  reset(id: number, code: number): void {
    this.#output.numberFrame(frameType.rstStream, id, code);
    this.#controls += 1;
    this.#schedule();
  }

  /** Lets the server send more: on a stream, or with 0 on the connection. */
  grant(id: number, octets: number): void {
    this.#output.numberFrame(frameType.windowUpdate, id, octets);
    this.#controls += 1;
    this.#schedule();
  }

  acknowledgeSettings(): void {
    this.#output.frame(frameType.settings, flag.ack, 0, Buffer.alloc(0));
    this.#controls += 1;
    this.#schedule();
  }

  ping(payload: Uint8Array, flags: number): void {
    this.#output.frame(frameType.ping, flags, 0, payload);
    this.#controls += 1;
    this.#schedule();
  }

  /** We have processed no stream of the server's. */
  goaway(code: number, reason: string): void {
    const payload = Buffer.alloc(8 + reason.length);
    payload.writeUInt32BE(code, 4);
    payload.write(reason, 8, "latin1");
    this.#output.frame(frameType.goaway, flag.none, 0, payload);
    this.#schedule();
  }

  /** Takes what the server tells of itself; windows of open streams change along (RFC 9113, section 6.9.2). */
  apply(settings: PeerSettings, open: readonly FramingStream[]): void {
    const change = settings.initialWindowSize - this.#settings.initialWindowSize;
    this.#settings = settings;
    for (const stream of open) {
      stream.sendWindow += change;
      if (stream.sendWindow > largest31) {
        throw new ConnectionFault(errorCode.flowControl, "an initial window that makes another too large");
      }
    }
    this.#schedule();
  }

  /** The server takes more of a stream. */
  widen(stream: FramingStream, octets: number): void {
    if (octets === 0) throw new StreamFault(errorCode.protocol, "WINDOW_UPDATE by nothing");
    if (stream.sendWindow + octets > largest31) {
      throw new StreamFault(errorCode.flowControl, "WINDOW_UPDATE beyond the largest window");
    }
    stream.sendWindow += octets;
    this.#schedule();
  }

  /** The server takes more on the whole connection. */
  widenAll(octets: number): void {
    if (octets === 0) throw new ConnectionFault(errorCode.protocol, "WINDOW_UPDATE by nothing");
    if (this.#window + octets > largest31) {
      throw new ConnectionFault(errorCode.flowControl, "WINDOW_UPDATE beyond the largest window");
    }
    this.#window += octets;
    this.#schedule();
  }

  /** Sends what waits, unless something is on its way. */
  readonly flush = (): void => {
    this.#scheduled = false;
    if (this.#sending || this.#closed) return;
    this.#sendWaiting();
    if (this.#output.length === 0) return;
    this.#sending = true;
    this.#controls = 0;
    this.#send(this.#output.take(), this.#onLeft);
  };

  /** Sends nothing any more. */
  close(): void {
    this.#closed = true;
  }

  readonly #onLeft = (): void => {
    this.#sending = false;
    this.#output.giveBack();
    if (this.#output.length > 0 || this.#waiting.size > 0) this.flush();
  };

  /** All that comes in one turn of the event loop, from however many sockets, leaves with one write. */
  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(this.flush);
  }

  /** One frame of each stream in turn, as long as there is window. */
  #sendWaiting(): void {
    for (const stream of this.#waiting) {
      if (this.#window <= 0 || this.#output.length >= batchLength) return;
      const rest = stream.unsent?.length ?? 0;
      const size = Math.min(rest, this.#window, stream.sendWindow, defaultFrameSize);
      if (size <= 0 && rest > 0) continue;
      this.#waiting.delete(stream);
      this.#sendPart(stream, size);
      if (stream.unsent) this.#waiting.add(stream);
    }
  }

  #sendPart(stream: FramingStream, size: number): void {
    const octets = stream.unsent!;
    const last = size === octets.length;
    const part = last ? octets : octets.subarray(0, size);
    this.#output.frame(frameType.data, last ? flag.endStream : flag.none, stream.id, part);
    this.#onData();
    this.#window -= size;
    stream.sendWindow -= size;
    this.#backlog -= size;
    stream.unsent = last ? undefined : octets.subarray(size);
  }
}
