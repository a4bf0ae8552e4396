import type { Clock } from "../../kit/clock.js";

/** How far what is kept is behind what has happened. */
export interface Lag {
  /** An event has arrived that happened then, in milliseconds of the epoch; call what it returns when it is kept, or not. */
  arrived(time: number): (kept: boolean) => void;
  /** Seconds: of the latest that was kept, the time from its happening to its being kept, or the age of the oldest that waits, whichever is more; undefined before the first event. */
  seconds(): number | undefined;
}

/** Measures lag. */
export function createLag(clock: Clock): Lag {
  const waiting = new Set<{ readonly time: number }>();
  let latest: number | undefined;
  return {
    arrived(time) {
      const one = { time };
      waiting.add(one);
      return (kept) => {
        waiting.delete(one);
        if (kept) latest = Math.max(0, clock.now() - time);
      };
    },
    seconds() {
      const now = clock.now();
      let most = latest;
      for (const { time } of waiting) most = Math.max(most ?? 0, now - time);
      return most === undefined ? undefined : most / 1000;
    },
  };
}
