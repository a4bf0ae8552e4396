import type { FramingStream } from "./framing-stream.js";
import { errorCode, largest31 } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";

/** Streams that we ended and whose frames may still be on their way, at most. */
const resetsKept = 1_000;

/** The streams of a connection, which a client numbers oddly and in order (RFC 9113, section 5.1.1). */
export class StreamRegister {
  readonly #open = new Map<number, FramingStream>();
  readonly #reset = new Set<number>();
  #next = 1;

  /** Streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** The number of the next stream; beyond the largest when there is none any more. */
  get next(): number {
    return this.#next;
  }

  get exhausted(): boolean {
    return this.#next > largest31;
  }

  open(stream: FramingStream): void {
    this.#open.set(stream.id, stream);
    this.#next = stream.id + 2;
  }

  /** Whether the stream has not ended on this side. */
  has({ id }: FramingStream): boolean {
    return this.#open.has(id);
  }

  /**
   * The stream that a frame of the server belongs to; undefined when it has
   * ended. Throws for one that never began, and for the server's own, as
   * nothing may be pushed.
   */
  of(id: number): FramingStream | undefined {
    const stream = this.#open.get(id);
    if (stream) return stream;
    if (id % 2 === 1 && id < this.#next) return undefined;
    throw new ConnectionFault(errorCode.protocol, `a frame on stream ${id}, which nobody began`);
  }

  /** Whether we ended the stream not long ago, and the server may not have known. */
  wasReset(id: number): boolean {
    return this.#reset.has(id);
  }

  close({ id }: FramingStream): void {
    this.#open.delete(id);
  }

  /** Remembers that we ended a stream of which frames may still come. */
  rememberReset({ id }: FramingStream): void {
    this.#reset.add(id);
    if (this.#reset.size <= resetsKept) return;
    const [oldest] = this.#reset;
    this.#reset.delete(oldest!);
  }

  /** The open streams above a number. */
  above(id: number): FramingStream[] {
    return [...this.#open.values()].filter((stream) => stream.id > id);
  }
}
