import type { Clock } from "../../kit/clock.js";

/** How far what is kept is behind what has happened. One that was not kept counts as waiting until another is. */
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
  let failed: number | undefined;
  return {
    arrived(time) {
      const one = { time };
      waiting.add(one);
      return (kept) => {
        waiting.delete(one);
        if (kept) latest = Math.max(0, clock.now() - time);
        failed = kept ? undefined : Math.min(failed ?? time, time);
      };
    },
    seconds() {
      const now = clock.now();
      let most = latest;
      const oldest = Math.min(failed ?? now, ...[...waiting].map(({ time }) => time));
      if (failed !== undefined || waiting.size > 0) most = Math.max(most ?? 0, now - oldest);
      return most === undefined ? undefined : most / 1000;
    },
  };
}
