import { UnaryCall } from "../calls/unary-call.js";
import type { Clock } from "../clock.js";
import { openCallOf } from "../context.js";
import { errors } from "../errors.js";
import { sharedTimers, type Timers } from "../timers.js";
import type { Layer } from "./chain.js";
import { answerOf } from "./next.js";

const units: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Headers in which callers say how long they wait. */
export const timeoutHeaders = ["grpc-timeout", "connect-timeout-ms"] as const;

/** What the layer measures time with. */
export interface DeadlineOptions {
  readonly clock: Clock;
  /** The process's own unless given. */
  readonly timers?: Timers;
}

/**
 * Bounds every unary call by the contract's deadline and by what the caller
 * asks for, whichever is shorter, and answers in time even when the handler
 * ignores its signal. What the caller asks for is shortened by 5 % but at
 * least 5 ms, so that our typed error arrives before the caller gives up.
 */
export function deadline({ clock, timers = sharedTimers }: DeadlineOptions): Layer {
  return (contract) => {
    if (contract.deadlineMs === undefined) return undefined;
    const bound = contract.deadlineMs;
    return (next) => (request) => {
      if (request.stream) return next(request);
      const call = openCallOf({ values: request.contextValues });
      const now = clock.now();
      const asked = Math.max(0, Math.min(call.deadline - now, requestedTimeout(request.header)));
      const allowed = Math.max(0, Math.min(bound, inTimeFor(asked)));
      call.deadline = now + allowed;
      const bounded = UnaryCall.of(request);
      return new Promise((resolve, reject) => {
        const timer = timers.start(allowed, () => {
          const error = errors.deadlineExceeded({ deadline_ms: Math.round(Math.min(bound, asked)) });
          reject(error);
          bounded.abort(error);
        });
        const settle = () => {
          timer.stop();
          bounded.release();
        };
        answerOf(next, bounded).then(
          (response) => {
            settle();
            resolve(response);
          },
          (error) => {
            settle();
            reject(error);
          },
        );
      });
    };
  };
}

/** By when to answer somebody who waits so many milliseconds, for the answer to arrive in time. */
export function inTimeFor(asked: number): number {
  return Number.isFinite(asked) ? asked - Math.max(5, asked * 0.05) : asked;
}

/** Time that `grpc-timeout` or `connect-timeout-ms` asks for, in milliseconds; infinite without either. */
export function requestedTimeout(header: Headers): number {
  for (const name of timeoutHeaders) {
    const value = header.get(name);
    const asked = value === null ? Number.POSITIVE_INFINITY : parseTimeout(name, value);
    if (asked !== Number.POSITIVE_INFINITY) return asked;
  }
  return Number.POSITIVE_INFINITY;
}

/** Milliseconds that the value of one of `timeoutHeaders` asks for; infinite when it is malformed. */
export function parseTimeout(name: (typeof timeoutHeaders)[number], value: string): number {
  if (name === "connect-timeout-ms") {
    return /^\d{1,10}$/.test(value) ? Number(value) : Number.POSITIVE_INFINITY;
  }
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? [];
  return amount && unit ? Number(amount) * units[unit]! : Number.POSITIVE_INFINITY;
}
