import { prefixLength } from "./wire-reply.js";

const nothing = Buffer.alloc(0);

/**
 * The body of an answer while it comes. A message that comes in one piece is
 * not copied; others are, as a small piece may share the memory of all that
 * was read along with it.
 */
export class ReplyBody {
  #octets: Buffer = nothing;
  #size = 0;

  add(chunk: Buffer): void {
    const before = this.#size;
    this.#size += chunk.length;
    if (before === 0 && isWhole(chunk)) {
      this.#octets = chunk;
      return;
    }
    if (this.#size > this.#octets.length) this.#grow(before);
    this.#octets.set(chunk, before);
  }

  /** How large its message says to be, in bytes; 0 while that is not known. */
  get announced(): number {
    return this.#size >= prefixLength ? this.#octets.readUInt32BE(1) : 0;
  }

  /** What it takes already, or will, whichever is more, in bytes. */
  get extent(): number {
    return Math.max(this.announced, this.#size - prefixLength);
  }

  /** Whether its message has come. */
  get complete(): boolean {
    return this.#size >= prefixLength + this.announced;
  }

  whole(): Buffer {
    return this.#octets.subarray(0, this.#size);
  }

  /** Doubles, so that memory is taken for what came rather than for what was announced. */
  #grow(used: number): void {
    const grown = Buffer.allocUnsafeSlow(this.#size * 2);
    this.#octets.copy(grown, 0, 0, used);
    this.#octets = grown;
  }
}

function isWhole(chunk: Buffer): boolean {
  return chunk.length >= prefixLength && chunk.length === prefixLength + chunk.readUInt32BE(1);
}
