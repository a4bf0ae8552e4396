import type { Frame } from "./frame-reader.js";
import { fragmentOf } from "./payload.js";
import { errorCode, flag } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";

/** CONTINUATION frames of one block, at most. */
const mostContinuations = 32;

/** A header block whose last frame has come. */
export interface HeaderBlock {
  readonly stream: number;
  /** Whether nothing follows on the stream. */
  readonly endStream: boolean;
  readonly octets: Buffer;
}

/** Puts header blocks together from HEADERS and CONTINUATION (RFC 9113, section 6.10), within bounds. */
export class HeaderBlocks {
  readonly #largest: number;
  #parts: Buffer[] = [];
  #length = 0;
  #stream = 0;
  #endStream = false;

  /**
   * `largest` is the largest block that is read, in octets. A list of headers
   * is never smaller than its block unless that was written to be large.
   */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Whether the next frame has to be a CONTINUATION. */
  get open(): boolean {
    return this.#stream !== 0;
  }

  /** Octets of a block that is not complete. */
  get held(): number {
    return this.#length;
  }

  /** Takes a HEADERS frame; the block, if that is all of it. */
  begin(frame: Frame): HeaderBlock | undefined {
    const octets = fragmentOf(frame);
    const endStream = (frame.flags & flag.endStream) !== 0;
    if ((frame.flags & flag.endHeaders) !== 0) return { stream: frame.stream, endStream, octets };
    this.#stream = frame.stream;
    this.#endStream = endStream;
    this.#add(octets);
    return undefined;
  }

  /** Takes a CONTINUATION frame; the block, if it is complete then. */
  continue(frame: Frame): HeaderBlock | undefined {
    if (frame.stream !== this.#stream) {
      throw new ConnectionFault(errorCode.protocol, "CONTINUATION of nothing that is open");
    }
    this.#add(frame.payload);
    if ((frame.flags & flag.endHeaders) === 0) return undefined;
    const block = { stream: this.#stream, endStream: this.#endStream, octets: Buffer.concat(this.#parts) };
    this.#parts = [];
    this.#length = 0;
    this.#stream = 0;
    return block;
  }

  #add(octets: Buffer): void {
    this.#parts.push(octets);
    this.#length += octets.length;
    if (this.#length > this.#largest || this.#parts.length > mostContinuations + 1) {
      throw new ConnectionFault(errorCode.enhanceYourCalm, "a header block without an end");
    }
  }
}
