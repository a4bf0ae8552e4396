import { type Clock, systemClock } from "../../clock.js";
import { isStalePlan } from "./postgres-errors.js";

/** How a transaction that lost against another is tried again. */
export interface TransactionRetry {
  /** How often it is tried at most. */
  readonly attempts: number;
  /** How long all attempts together may take, in milliseconds. */
  readonly boundMs: number;
  readonly clock: Clock;
  /** A number from 0 up to and without 1. */
  random(): number;
  /** Resolves after so many milliseconds. */
  pause(ms: number): Promise<void>;
}

const firstPauseMs = 10;
const longestPauseMs = 500;

export const defaultRetry: TransactionRetry = {
  attempts: 5,
  boundMs: 30_000,
  clock: systemClock,
  random: Math.random,
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/**
 * Runs `attempt` until it succeeds, fails for good, or the bounds are reached.
 * Pauses are random from 0 to 10, 20, 40 … 500 ms ("full jitter", Brooker,
 * Exponential Backoff And Jitter, 2015), so that two that collided part.
 */
export async function retrying<R>(
  attempt: (remainingMs: number) => Promise<R>,
  { attempts, boundMs, clock, random, pause }: TransactionRetry,
): Promise<R> {
  const start = clock.monotonic();
  const remaining = () => boundMs - (clock.monotonic() - start);
  for (let tried = 1; ; tried++) {
    try {
      return await attempt(remaining());
    } catch (error) {
      if (tried >= attempts || !lostRace(error)) throw error;
      const ms = random() * Math.min(firstPauseMs * 2 ** (tried - 1), longestPauseMs);
      if (ms >= remaining()) throw error;
      await pause(ms);
    }
  }
}

/** Whether a transaction failed by no fault of its own: SQLSTATE 40001, 40P01, or a plan older than a migration. */
function lostRace(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "40001" || code === "40P01" || isStalePlan(error);
}
