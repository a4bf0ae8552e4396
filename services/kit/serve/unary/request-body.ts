import type { Readable } from "node:stream";
import type { Timer, Timers } from "../../timers.js";
import { type BodySpace, bodySpace } from "../body-space.js";
import type { Pace } from "../pace.js";

/** Bounds of a body while it arrives. */
export interface BodyBounds {
  /** The most bytes of it. */
  readonly limit: number;
  /** Looks at the first bytes; true when they announce too much. */
  readonly announcesTooMuch?: (start: Uint8Array) => boolean;
  readonly pace: Pace;
  readonly timers: Timers;
  /** Memory of all bodies that arrive; the process's own unless given. */
  readonly space?: BodySpace;
}

/** What becomes of a body; one of them is called, once, unless its connection ends before. */
export interface BodyOutcome {
  complete(body: Uint8Array): void;
  /** Too many bytes; what still comes is thrown away. */
  tooLarge(): void;
  /** Nothing, or too little, came for a while, or there is no room for more. */
  stalled(): void;
}

const nothing = new Uint8Array(0);

/** What a body is read from: a stream of HTTP/2, or a request. */
export type BodySource = Readable & {
  /** Whether its client took it back. */
  readonly aborted: boolean;
};

/**
 * Reads a body as it comes. Most are one piece, which is not copied. Returns how to stop waiting for it, for
 * when its source is closed.
 */
export function readBody(from: BodySource, bounds: BodyBounds, outcome: BodyOutcome): () => void {
  const { limit, announcesTooMuch, pace, timers, space = bodySpace } = bounds;
  let first: Uint8Array | undefined;
  let more: Uint8Array[] | undefined;
  let size = 0;
  let sizeBefore = 0;
  let over = false;
  let timer: Timer;
  const stop = () => {
    if (!over) space.give(size);
    over = true;
    timer.stop();
  };
  const check = () => {
    if (size - sizeBefore < pace.leastBytes) {
      stop();
      outcome.stalled();
      return;
    }
    sizeBefore = size;
    timer = timers.start(pace.windowMs, check);
  };
  timer = timers.start(pace.windowMs, check);
  from.on("data", (chunk: Uint8Array) => {
    if (over) return;
    size += chunk.length;
    space.take(chunk.length);
    const announced = first === undefined && announcesTooMuch?.(chunk);
    if (announced || size > limit) {
      stop();
      first = undefined;
      more = undefined;
      outcome.tooLarge();
    } else if (space.exhausted) {
      stop();
      outcome.stalled();
    } else if (first === undefined) first = chunk;
    else if (more) more.push(chunk);
    else more = [first, chunk];
  });
  from.on("end", () => {
    // What its client takes back without an error comes to an end too.
    if (over || from.aborted) return;
    stop();
    outcome.complete(more ? Buffer.concat(more) : (first ?? nothing));
  });
  return stop;
}
