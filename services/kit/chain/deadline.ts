import type { Clock } from "../clock.js";
import { callKey, callOf } from "../context.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Headers in which callers say how long they wait. */
export const timeoutHeaders = ["grpc-timeout", "connect-timeout-ms"] as const;

/**
 * Bounds every unary call by the contract's deadline and by what the caller
 * asks for, whichever is shorter, and answers in time even when the handler
 * ignores its signal. What the caller asks for is shortened by 5 % but at
 * least 5 ms, so that our typed error arrives before the caller gives up.
 */
export function deadline(options: { readonly clock: Clock }): Layer {
  return (contract) => {
    if (contract.deadlineMs === undefined) return undefined;
    const bound = contract.deadlineMs;
    return (next) => (request) => {
      const call = callOf({ values: request.contextValues });
      const now = options.clock.now();
      const asked = Math.max(0, Math.min(call.deadline - now, requestedTimeout(request.header)));
      const allowed = Math.max(0, Math.min(bound, inTimeFor(asked)));
      request.contextValues.set(callKey, { ...call, deadline: now + allowed });
      return race(Math.min(bound, asked), allowed, request.signal, (signal) => next({ ...request, signal }));
    };
  };
}

function inTimeFor(asked: number): number {
  return Number.isFinite(asked) ? asked - Math.max(5, asked * 0.05) : asked;
}

/** Time that `grpc-timeout` or `connect-timeout-ms` asks for, in milliseconds; infinite without either. */
export function requestedTimeout(header: Headers): number {
  const asked = timeoutHeaders.map((name) => parseTimeout(name, header.get(name) ?? ""));
  return asked.find(Number.isFinite) ?? Number.POSITIVE_INFINITY;
}

/** Milliseconds that the value of one of `timeoutHeaders` asks for; infinite when it is malformed. */
export function parseTimeout(name: (typeof timeoutHeaders)[number], value: string): number {
  if (name === "connect-timeout-ms") {
    return /^\d{1,10}$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
  }
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
  return amount && unit ? Number(amount) * units[unit]! : Number.POSITIVE_INFINITY;
}

function race<T>(
  askedMs: number,
  allowedMs: number,
  outer: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(outer.reason);
  if (outer.aborted) abort();
  outer.addEventListener("abort", abort, { once: true });
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      const error = errors.deadlineExceeded({ deadline_ms: Math.round(askedMs) });
      reject(error);
      controller.abort(error);
    }, allowedMs);
    // A layer further in may throw at once, and the timer must not outlive that.
    Promise.resolve()
      .then(() => run(controller.signal))
      .then(resolve, reject)
      .finally(() => {
        clearTimeout(timer);
        outer.removeEventListener("abort", abort);
      });
  });
}
