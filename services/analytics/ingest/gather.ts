import { isAway } from "../../kit/events/consumer.js";
import { sharedTimers, type Timer, type Timers } from "../../kit/timers.js";

/** Gathers things that come one by one, to be kept many at once. */
export interface Gathering<T> {
  /** Resolves when the thing is kept; rejects when it was not. */
  add(thing: T): Promise<void>;
}

/** What gathering takes. */
export interface GatherOptions<T> {
  /** Keeps all of them, or none when it rejects. Called again when it has ended, never before. */
  keep(things: readonly T[]): Promise<void>;
  /** Most things at once. */
  readonly most: number;
  /** How long the first waits for others, in milliseconds. */
  readonly waitMs: number;
  readonly timers?: Timers;
}

interface Waiting<T> {
  readonly thing: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers by number and time, whichever comes first; while some are being kept
 * others gather. Where those of a batch cannot be kept for a reason other than
 * that the keeper is away, its halves are tried, and so on, until what cannot be
 * kept stands alone.
 */
export function gather<T>({ keep, most, waitMs, timers = sharedTimers }: GatherOptions<T>): Gathering<T> {
  let waiting: Waiting<T>[] = [];
  let timer: Timer | undefined;
  let keeping = false;

  const next = async () => {
    timer?.stop();
    timer = undefined;
    keeping = true;
    const batch = waiting.slice(0, most);
    waiting = waiting.slice(most);
    await settle(batch, keep);
    keeping = false;
    schedule();
  };
  const schedule = () => {
    if (keeping || waiting.length === 0) return;
    if (waiting.length >= most) void next();
    else timer ??= timers.start(waitMs, () => void next());
  };

  return {
    add: (thing) =>
      new Promise((resolve, reject) => {
        waiting.push({ thing, resolve, reject });
        schedule();
      }),
  };
}

/** Never rejects. */
async function settle<T>(batch: readonly Waiting<T>[], keep: GatherOptions<T>["keep"]): Promise<void> {
  try {
    await keep(batch.map(({ thing }) => thing));
    for (const { resolve } of batch) resolve();
  } catch (error) {
    if (batch.length === 1 || isAway(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await settle(batch.slice(0, half), keep);
    await settle(batch.slice(half), keep);
  }
}
