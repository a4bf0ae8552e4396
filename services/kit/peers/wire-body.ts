import { prefixLength } from "./wire-reply.js";

/** The body of an answer while it comes. */
export class ReplyBody {
  #head: Buffer | undefined;
  readonly #rest: Buffer[] = [];
  #size = 0;

  add(chunk: Buffer): void {
    this.#size += chunk.length;
    if (!this.#head) this.#head = chunk;
    // The prefix has to lie in one piece.
    else if (this.#head.length < prefixLength) this.#head = Buffer.concat([this.#head, chunk]);
    else this.#rest.push(chunk);
  }

  /** How large its message says to be, in bytes; 0 while that is not known. */
  get announced(): number {
    return this.#head && this.#head.length >= prefixLength ? this.#head.readUInt32BE(1) : 0;
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
    if (!this.#head) return Buffer.alloc(0);
    return this.#rest.length === 0 ? this.#head : Buffer.concat([this.#head, ...this.#rest]);
  }
}
