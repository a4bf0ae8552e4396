import type { Log } from "./log.js";

/** How often it is looked after; far oftener than any of it needs. */
const intervalMs = 60_000;

/** Work that is done again and again until stopped. */
export interface Tending {
  /** Waits for what is being done. */
  stop(): Promise<void>;
}

/** Repeats the chores each minute; one that fails is logged, and done again with the others the next time. */
export function keepTending(chores: Readonly<Record<string, () => Promise<void>>>, log: () => Log): Tending {
  let current = Promise.resolve();
  const doAll = async () => {
    for (const [name, chore] of Object.entries(chores)) {
      await chore().catch((cause: unknown) => log().error(`${name} failed`, { cause }));
    }
  };
  const timer = setInterval(() => {
    current = current.then(doAll);
  }, intervalMs).unref();
  return {
    stop() {
      clearInterval(timer);
      return current;
    },
  };
}
