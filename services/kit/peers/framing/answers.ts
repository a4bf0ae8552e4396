import type { Frame } from "./frame-reader.js";
import type { FramingStream } from "./framing-stream.js";
import { type HeaderBlock, HeaderBlocks } from "./header-blocks.js";
import { HeaderDecoder } from "./header-decoder.js";
import type { Outgoing } from "./outgoing.js";
import { dataOf } from "./payload.js";
import { defaultTableSize, defaultWindow, errorCode, flag } from "./protocol.js";
import { StreamFault } from "./protocol-error.js";
import { type ReplyBlock, ReplyFields } from "./reply-fields.js";
import type { StreamRegister } from "./stream-register.js";

/** Largest list of headers or trailers of an answer, in octets as RFC 9113, section 6.5.2 counts them. */
export const largestHeaderList = 65_536;

/** What answers are made of on one connection. */
export interface AnswersOptions {
  readonly streams: StreamRegister;
  readonly outgoing: Outgoing;
  /** Octets that a server may send on one stream, or on all, before it is granted more. */
  readonly streamWindow: number;
  readonly connectionWindow: number;
  /** The answer is complete. */
  onComplete(stream: FramingStream): void;
  /** Counts a frame that brings no answer forward, or one that does. */
  onUseless(): void;
  onUse(): void;
}

/** Reads HEADERS, CONTINUATION and DATA, and takes each answer through its states (RFC 9113, section 8.1). */
export class Answers {
  readonly #options: AnswersOptions;
  readonly #blocks = new HeaderBlocks(largestHeaderList);
  readonly #decoder = new HeaderDecoder(defaultTableSize);
  readonly #fields = new ReplyFields(largestHeaderList);
  readonly #window: number;
  /** Octets that came on the connection and have not been granted anew. */
  #owed = 0;

  constructor(options: AnswersOptions) {
    this.#options = options;
    this.#window = Math.max(options.connectionWindow, defaultWindow);
  }

  /** Whether the next frame has to be a CONTINUATION. */
  get expectsContinuation(): boolean {
    return this.#blocks.open;
  }

  /** Octets of a header block that has not come in full. */
  get held(): number {
    return this.#blocks.held;
  }

  /** Throws a StreamFault for an answer that is wrong, as the other two do. */
  headers(frame: Frame): void {
    this.#options.streams.of(frame.stream);
    const block = this.#blocks.begin(frame);
    if (block) this.#read(block);
  }

  continuation(frame: Frame): void {
    const block = this.#blocks.continue(frame);
    if (block) this.#read(block);
  }

  data(frame: Frame): void {
    const { streams } = this.#options;
    const stream = streams.of(frame.stream);
    const { length } = frame.payload;
    this.#receive(length);
    const data = dataOf(frame);
    const last = (frame.flags & flag.endStream) !== 0;
    if (!stream) {
      this.#refuseClosed(frame.stream);
      return;
    }
    if (!stream.answered) throw new StreamFault(errorCode.protocol, "data before headers");
    this.#receiveOn(stream, length, last);
    if (data.length > 0) {
      this.#options.onUse();
      stream.listener.onData(data);
    } else if (!last) this.#options.onUseless();
    // Who hears of the data may have had enough.
    if (last && streams.has(stream)) this.#options.onComplete(stream);
  }

  /** A block is decoded even if nobody wants it, as those behind it may refer to it. */
  #read({ stream: id, endStream, octets }: HeaderBlock): void {
    this.#decoder.decode(octets, this.#fields.take);
    const stream = this.#options.streams.of(id);
    if (!stream) {
      this.#fields.discard();
      this.#refuseClosed(id);
      return;
    }
    const block = this.#fields.finish();
    if (stream.answered) this.#readTrailers(stream, block, endStream);
    else this.#readHeaders(stream, block, endStream);
  }

  #readHeaders(stream: FramingStream, { headers, status }: ReplyBlock, endStream: boolean): void {
    if (status === undefined) throw new StreamFault(errorCode.protocol, 'headers without ":status"');
    if (status < 200) {
      // HTTP/2 has no 101 (section 8.6), and an answer does not end before its last status.
      const fault = status === 101 || endStream;
      if (fault) throw new StreamFault(errorCode.protocol, `an interim answer with ${status} that cannot be`);
      this.#options.onUseless();
      return;
    }
    this.#options.onUse();
    stream.answered = true;
    stream.listener.onHeaders(headers);
    if (endStream && this.#options.streams.has(stream)) this.#options.onComplete(stream);
  }

  #readTrailers(stream: FramingStream, { headers, status }: ReplyBlock, endStream: boolean): void {
    if (status !== undefined) throw new StreamFault(errorCode.protocol, '":status" in trailers');
    if (!endStream) throw new StreamFault(errorCode.protocol, "trailers that do not end the stream");
    this.#options.onUse();
    stream.listener.onTrailers(headers);
    if (this.#options.streams.has(stream)) this.#options.onComplete(stream);
  }

  /** What comes on a stream that we ended may have left before the server knew (section 5.1). */
  #refuseClosed(id: number): void {
    const { streams, outgoing } = this.#options;
    this.#options.onUseless();
    if (!streams.wasReset(id)) outgoing.reset(id, errorCode.streamClosed);
  }

  /**
   * All DATA counts, padding and what nobody wants included (section 6.9). It
   * is granted anew long before the window is used up, which no single frame can do.
   */
  #receive(octets: number): void {
    this.#owed += octets;
    if (this.#owed * 2 < this.#window) return;
    this.#options.outgoing.grant(0, this.#owed);
    this.#owed = 0;
  }

  #receiveOn(stream: FramingStream, octets: number, last: boolean): void {
    const { streamWindow, outgoing } = this.#options;
    stream.owed += octets;
    if (stream.owed > streamWindow) {
      throw new StreamFault(errorCode.flowControl, "more data than the stream's window allows");
    }
    if (last || stream.owed * 2 < streamWindow) return;
    outgoing.grant(stream.id, stream.owed);
    stream.owed = 0;
  }
}
