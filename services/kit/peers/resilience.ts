import { Code, ConnectError } from "@connectrpc/connect";
import {
  BrokenCircuitError,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  type IPolicy,
  noop,
  retry,
  wrap,
} from "cockatiel";
import { errors } from "../errors.js";

/** Protects one peer: `idempotent` calls are retried, all count for the breaker. */
export interface Resilience {
  run<T>(idempotent: boolean, call: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** For deployments in a mesh, whose proxies retry and break circuits themselves. */
export const noResilience: Resilience = { run: (_, call) => call() };

/**
 * At most 3 retries with exponential backoff, and a breaker that opens when
 * half of the last 10 calls found the peer unavailable, for 30 seconds.
 */
export function createResilience(peer: string): Resilience {
  const unavailable = handleWhen((error) => error instanceof ConnectError && error.code === Code.Unavailable);
  const breaker = circuitBreaker(unavailable, {
    halfOpenAfter: 30_000,
    // It opens above the threshold, so with the fifth failure.
    breaker: new CountBreaker({ threshold: 0.4, size: 10 }),
  });
  const backoff = new ExponentialBackoff({ initialDelay: 50, maxDelay: 1000 });
  const retried: IPolicy = wrap(retry(unavailable, { maxAttempts: 3, backoff }), breaker);
  const once: IPolicy = wrap(noop, breaker);
  return {
    async run(idempotent, call, signal) {
      try {
        return await (idempotent ? retried : once).execute(call, signal);
      } catch (error) {
        throw error instanceof BrokenCircuitError
          ? errors.dependencyUnavailable({ dependency: peer }, error)
          : error;
      }
    },
  };
}
