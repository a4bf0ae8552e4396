import type { Limits } from "../stores/limits/port.js";
import { concurrencyExhausted } from "../stores/limits/refusal.js";
import { sharedTimers, type Timer, type Timers } from "../timers.js";
import { type Ceiling, counterKey } from "./bounds.js";
import { type Held, orRetry } from "./counters.js";
import { rateHeaders, retryAfter, type Standing, withHeaders } from "./rate-headers.js";

/** After how many milliseconds the places of a replica that crashed are free again. */
const ttlMs = 15_000;
/** How often a place of a call that takes long is kept, in milliseconds. */
const keepMs = 5_000;
/** Until another try may find a place, in milliseconds; nobody knows when a call ends. */
const retryMs = 1_000;

/** Takes places for calls. */
export interface Places {
  /** Takes a place for a call of `who`, behind what it `passed`, until it is settled. Throws CONCURRENCY_EXHAUSTED or DEPENDENCY_UNAVAILABLE. */
  enter(ceiling: Ceiling, who: string, passed: readonly Standing[]): Promise<Held>;
}

/** Places under the ceilings of all replicas, kept for as long as their calls are in progress. */
export function createPlaces(limits: Limits, timers: Timers = sharedTimers): Places {
  return {
    async enter(ceiling, who, passed) {
      const request = { key: counterKey(ceiling, who), limit: ceiling.most, ttlMs };
      const { allowed, taken, place } = await orRetry(limits.enter(request));
      const standing = standingOf(ceiling, taken);
      if (!allowed) {
        const headers = [...rateHeaders([...passed, standing], true), ...retryAfter(retryMs)];
        throw withHeaders(concurrencyExhausted(request, retryMs), headers);
      }
      const held = { key: request.key, place };
      const keep = (): Timer =>
        timers.start(keepMs, () => {
          timer = keep();
          // The next time comes before the place is lost.
          limits.keep({ ...held, ttlMs }).catch(() => undefined);
        });
      let timer = keep();
      return {
        standing,
        settle() {
          timer.stop();
          // A place that cannot be left is free when its time to live ends.
          limits.leave(held).catch(() => undefined);
          return standing;
        },
      };
    },
  };
}

function standingOf({ name, most }: Ceiling, taken: number): Standing {
  const remaining = Math.max(0, most - taken);
  return { name, limit: most, windowMs: undefined, remaining, resetMs: 0, cost: 1 };
}
