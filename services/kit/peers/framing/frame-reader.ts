import { errorCode, frameHeaderLength } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";

/** A frame whose payload is complete. */
export interface Frame {
  /** One of `frameType`, or a number that nobody has given a meaning. */
  readonly type: number;
  readonly flags: number;
  /** 0 for the connection. */
  readonly stream: number;
  readonly payload: Buffer;
}

/**
 * Cuts octets into frames (RFC 9113, section 4.1), however they arrive. Holds
 * no more than one incomplete frame. Payloads that came in one piece share its
 * memory.
 */
export class FrameReader {
  readonly #largest: number;
  readonly #header = Buffer.allocUnsafeSlow(frameHeaderLength);
  #headerLength = 0;
  #payload: Buffer | undefined;
  #payloadLength = 0;

  /** `largest` is the longest payload that the other side may send, in octets. */
  constructor(largest: number) {
    this.#largest = largest;
  }

  /** Octets of a frame that is not complete. */
  get held(): number {
    return this.#headerLength + this.#payloadLength;
  }

  /**
   * Hands over each frame that the chunk completes, until one makes `take`
   * answer false. Throws FRAME_SIZE_ERROR as soon as a header announces more
   * than is allowed.
   */
  read(chunk: Buffer, take: (frame: Frame) => boolean): void {
    let at = 0;
    if (this.#headerLength > 0) {
      at = this.#resume(chunk);
      if (at < 0) return;
      if (!take(this.#finish())) return;
    }
    while (chunk.length - at >= frameHeaderLength) {
      const length = this.#lengthOf(chunk, at);
      const end = at + frameHeaderLength + length;
      if (end > chunk.length) break;
      if (!take(frameOf(chunk, at, chunk.subarray(at + frameHeaderLength, end)))) return;
      at = end;
    }
    if (at < chunk.length) this.#resume(chunk.subarray(at));
  }

  /** Adds to the held frame; returns where the next begins, or -1 while the held one is not complete. */
  #resume(chunk: Buffer): number {
    const inHeader = Math.min(frameHeaderLength - this.#headerLength, chunk.length);
    chunk.copy(this.#header, this.#headerLength, 0, inHeader);
    this.#headerLength += inHeader;
    if (this.#headerLength < frameHeaderLength) return -1;
    this.#payload ??= Buffer.allocUnsafeSlow(this.#lengthOf(this.#header, 0));
    const inPayload = Math.min(this.#payload.length - this.#payloadLength, chunk.length - inHeader);
    chunk.copy(this.#payload, this.#payloadLength, inHeader, inHeader + inPayload);
    this.#payloadLength += inPayload;
    return this.#payloadLength < this.#payload.length ? -1 : inHeader + inPayload;
  }

  #finish(): Frame {
    const frame = frameOf(this.#header, 0, this.#payload!);
    this.#headerLength = 0;
    this.#payload = undefined;
    this.#payloadLength = 0;
    return frame;
  }

  #lengthOf(octets: Buffer, at: number): number {
    const length = (octets[at]! << 16) | (octets[at + 1]! << 8) | octets[at + 2]!;
    if (length <= this.#largest) return length;
    const message = `a frame of ${length} octets, where ${this.#largest} are allowed`;
    throw new ConnectionFault(errorCode.frameSize, message);
  }
}

/** The first bit of the stream's number has no meaning. */
function frameOf(header: Buffer, at: number, payload: Buffer): Frame {
  const stream = header.readUInt32BE(at + 5) & 0x7fff_ffff;
  return { type: header[at + 3]!, flags: header[at + 4]!, stream, payload };
}
