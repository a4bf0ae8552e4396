import { frameHeaderLength } from "./protocol.js";

const smallest = 16_384;
/** A buffer that grew beyond this is not kept for later. */
const largestKept = 262_144;

/** Frames that wait to leave together, in one piece of memory. */
export class FrameOutput {
  #buffer: Buffer = Buffer.allocUnsafeSlow(smallest);
  #length = 0;
  #leaving: Buffer | undefined;
  #spare: Buffer | undefined;

  /** Octets that wait. */
  get length(): number {
    return this.#length;
  }

  /** Appends octets that are no frame. */
  append(octets: Uint8Array): void {
    const at = this.#reserve(octets.length);
    this.#buffer.set(octets, at);
  }

  /** Appends a frame. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    const at = this.#begin(type, flags, stream, payload.length);
    this.#buffer.set(payload, at);
  }

  /** Appends a frame whose payload is one number of 32 bits. */
  numberFrame(type: number, stream: number, value: number): void {
    const at = this.#begin(type, 0, stream, 4);
    this.#buffer.writeUInt32BE(value, at);
  }

  /** Takes out all that waits; nothing more before it has been given back. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#leaving = this.#buffer;
    this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(smallest);
    this.#spare = undefined;
    this.#length = 0;
    return taken;
  }

  /** What was taken has left, so that its memory may be written anew. */
  giveBack(): void {
    if (this.#leaving && this.#leaving.length <= largestKept) this.#spare = this.#leaving;
    this.#leaving = undefined;
  }

  /** Appends the header of a frame (RFC 9113, section 4.1); returns where its payload goes. */
  #begin(type: number, flags: number, stream: number, length: number): number {
    const at = this.#reserve(frameHeaderLength + length);
    const buffer = this.#buffer;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    buffer.writeUInt32BE(stream, at + 5);
    return at + frameHeaderLength;
  }

  #reserve(length: number): number {
    const at = this.#length;
    const needed = at + length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length = needed;
    return at;
  }
}
