import {
  BrokenCircuitError,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  retry,
  wrap,
} from "cockatiel";
import { boundedSignal } from "../../../kit/abortable-delay.js";
import type { ProviderConfig } from "../../config.js";
import { ProviderError } from "./provider-error.js";
import { interrupted } from "./provider-exchange.js";

/** Makes attempts at an exchange until one succeeds or all of them have failed. */
export type Attempts = <T>(attempt: (signal: AbortSignal) => Promise<T>, outer: AbortSignal) => Promise<T>;

/**
 * Attempts at exchanges with one provider: again, after a pause with jitter,
 * only after failures that may pass; none for 30 s when half of the last ten
 * exchanges failed by the provider's fault; all together within the configured
 * time. Rejects with `ProviderError`, or as the attempt does.
 */
export function createAttempts(config: ProviderConfig): Attempts {
  const policy = planPolicy(config);
  return async (attempt, outer) => {
    const { signal, release } = boundedSignal(config.timeoutMs, outer);
    const guarded = () =>
      attempt(signal).catch((error: unknown) => {
        throw failureOf(error, signal);
      });
    try {
      return await orAborted(policy.execute(guarded, signal), signal);
    } catch (error) {
      throw failureOf(error, signal);
    } finally {
      release();
    }
  };
}

function planPolicy({ retries, retryDelayMs }: ProviderConfig) {
  const attempts = retry(
    handleWhen((error) => error instanceof ProviderError && error.retryable),
    {
      maxAttempts: retries,
      backoff: new ExponentialBackoff({ initialDelay: retryDelayMs, maxDelay: 2_000 }),
    },
  );
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof ProviderError && error.counts),
    { halfOpenAfter: 30_000, breaker: new CountBreaker({ threshold: 0.5, size: 10 }) },
  );
  return wrap(breaker, attempts);
}

function failureOf(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof BrokenCircuitError)
    return new ProviderError("breaker_open", "is left alone, since it failed often lately");
  // What an aborted exchange dies of looks like the provider's fault.
  return signal.aborted ? interrupted(signal) : error;
}

/** Does not wait for the end of a pause between attempts. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
