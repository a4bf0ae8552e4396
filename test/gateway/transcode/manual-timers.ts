import type { StartTimer } from "../../../services/gateway/transcode/timer.js";

/** Timers that fire when told. */
export function manualTimers(): {
  startTimer: StartTimer;
  fire(milliseconds: number): void;
  pending(): number[];
} {
  const timers = new Map<object, { milliseconds: number; fire: () => void }>();
  return {
    startTimer(milliseconds, fire) {
      const key = {};
      timers.set(key, { milliseconds, fire });
      return () => void timers.delete(key);
    },
    fire(milliseconds) {
      for (const [key, timer] of [...timers]) {
        if (timer.milliseconds !== milliseconds) continue;
        timers.delete(key);
        timer.fire();
      }
    },
    pending: () => [...timers.values()].map(({ milliseconds }) => milliseconds),
  };
}
