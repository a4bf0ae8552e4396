import { withAnswer } from "../answer.js";
import type { Limits } from "../stores/limits/port.js";
import { concurrencyExhausted } from "../stores/limits/refusal.js";
import { sharedTimers, type Timer, type Timers } from "../timers.js";
import { type Ceiling, counterKey } from "./bounds.js";
import { type Counter, forgetFailure, type Held, orRetry } from "./counters.js";
import { rateHeaders, retryAfter, type Standing, withHeaders } from "./rate-headers.js";

/** After how many milliseconds the places of a replica that crashed are free again. */
const ttlMs = 15_000;
/** How often places are kept, in milliseconds. */
const keepMs = 5_000;
/** Until another try may find a place, in milliseconds; nobody knows when a call ends. */
const retryMs = 1_000;

/** Takes places for calls. */
export interface Places {
  /** Takes a place for each call of `who`. Refuses with CONCURRENCY_EXHAUSTED. */
  counter(ceiling: Ceiling, who: string): Counter;
}

/** Places under the ceilings of all replicas, kept for as long as their calls are in progress. */
export function createPlaces(limits: Limits, timers: Timers = sharedTimers): Places {
  const keeper = new Keeper(limits, timers);
  return {
    counter(ceiling, who) {
      const { most } = ceiling;
      const request = { key: counterKey(ceiling, who), limit: most, ttlMs };
      return (passed) =>
        withAnswer(orRetry(limits.enter(request)), ({ allowed, taken, place }) => {
          const standing = { bound: ceiling, remaining: Math.max(0, most - taken), resetMs: 0, cost: 1 };
          passed.push(standing);
          if (allowed) return keeper.keep(new Place(keeper, request.key, place, standing));
          const headers = [...rateHeaders(passed, true), ...retryAfter(retryMs)];
          throw withHeaders(concurrencyExhausted(request, retryMs), headers);
        });
    },
  };
}

/** A place that a call holds. */
class Place implements Held {
  readonly #keeper: Keeper;
  /** Where the keeper has it; -1 when it does not. */
  at = -1;

  constructor(
    keeper: Keeper,
    readonly key: string,
    readonly place: string,
    readonly standing: Standing,
  ) {
    this.#keeper = keeper;
  }

  settle(): void {
    this.#keeper.leave(this);
  }
}

/** Keeps all places of this process that are held, by one timer. */
class Keeper {
  readonly #limits: Limits;
  readonly #timers: Timers;
  /** In no order. */
  readonly #held: Place[] = [];
  #timer: Timer | undefined;

  constructor(limits: Limits, timers: Timers) {
    this.#limits = limits;
    this.#timers = timers;
  }

  keep(place: Place): Place {
    place.at = this.#held.push(place) - 1;
    this.#timer ??= this.#start();
    return place;
  }

  leave(place: Place): void {
    if (place.at < 0) return;
    const last = this.#held.pop()!;
    if (last !== place) {
      this.#held[place.at] = last;
      last.at = place.at;
    }
    place.at = -1;
    if (this.#held.length === 0) {
      this.#timer?.stop();
      this.#timer = undefined;
    }
    // A place that cannot be left is free when its time to live ends.
    forgetFailure(this.#limits.leave(place));
  }

  #start(): Timer {
    return this.#timers.start(keepMs, () => {
      this.#timer = this.#start();
      // The next time comes before a place is lost.
      for (const { key, place } of this.#held) forgetFailure(this.#limits.keep({ key, place, ttlMs }));
    });
  }
}
