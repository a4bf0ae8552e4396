import type { Timers } from "../../services/kit/timers.js";

/** Timers that fire when the test says so. */
export interface ManualTimers extends Timers {
  /** Lets so many milliseconds pass, and whatever follows from what fires. */
  advance(ms: number): Promise<void>;
}

export function manualTimers(): ManualTimers {
  const waiting = new Map<object, { readonly due: number; fire(): void }>();
  let now = 0;
  return {
    start(ms, fire) {
      const timer = { stop: () => void waiting.delete(timer) };
      waiting.set(timer, { due: now + ms, fire });
      return timer;
    },
    async advance(ms) {
      now += ms;
      for (const [timer, { due, fire }] of waiting) {
        if (due > now) continue;
        waiting.delete(timer);
        fire();
      }
      await settled();
    },
  };
}

/** Resolves when what has been resolved so far has had its consequences. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
