import { Code, ConnectError } from "@connectrpc/connect";
import { type Answer, withAnswer } from "../answer.js";
import type { Limits, QuotaRequest, RateDecision, RateRequest } from "../stores/limits/port.js";
import { quotaExhausted, rateLimited } from "../stores/limits/refusal.js";
import { counterKey, type Quota, type Rate } from "./bounds.js";
import { rateHeaders, retryAfter, type Standing, withHeaders } from "./rate-headers.js";

/** Until a limiter that is away may be back, in milliseconds. */
const awayMs = 1_000;

/** Codes of calls that ended before any work was done. */
const idle: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.PermissionDenied,
  Code.ResourceExhausted,
  Code.Unavailable,
  Code.Unauthenticated,
  Code.Unimplemented,
]);

/** What a call holds of a counter until it ends. */
export interface Held {
  readonly standing: Standing;
  /** Gives back what the call, which ended so, did not use; the standing is as it is then. */
  settle(error?: unknown): void;
}

/**
 * Counts one call that `passed` others, which it adds itself to. Answers what
 * the call holds until it ends, if anything. Throws or rejects with its refusal,
 * or with DEPENDENCY_UNAVAILABLE when nothing can be counted.
 */
export type Counter = (passed: Standing[]) => Answer<Held | undefined>;

/** Counts the calls of `who` by one rate or two. Refuses with RATE_LIMITED. */
export function rateCounter(limits: Limits, [first, second]: readonly [Rate, Rate?], who: string): Counter {
  const one = requestOf(first, who);
  const here = (decision: RateDecision, passed: Standing[]) => note(first, one, decision, passed);
  if (!second) {
    return (passed) => withAnswer(orRetry(limits.take(one)), (decision) => here(decision, passed));
  }
  const other = requestOf(second, who);
  const there = (decision: RateDecision, passed: Standing[]) => note(second, other, decision, passed);
  const both = [one, other] as const;
  return (passed) =>
    withAnswer(orRetry(limits.takeBoth(both)), ([mine, theirs]) => {
      // The one that refused is the last that is stated.
      if (!mine.allowed) passed.push(standingOf(second, theirs));
      here(mine, passed);
      there(theirs, passed);
      return undefined;
    });
}

/** Reserves `cost` units for each call of `who`. Refuses with QUOTA_EXHAUSTED. */
export function quotaCounter(limits: Limits, quota: Quota, who: string, cost: number): Counter {
  const { units: limit, windowMs } = quota;
  const request = { key: counterKey(quota, who), limit, windowMs, amount: cost };
  return (passed) =>
    withAnswer(orRetry(limits.reserve(request)), (decision) => {
      const { allowed, remaining, resetMs, reservation } = decision;
      const standing = { bound: quota, remaining, resetMs, cost };
      passed.push(standing);
      if (!allowed) {
        const headers = [...rateHeaders(passed, true), ...retryAfter(resetMs)];
        throw withHeaders(quotaExhausted(request, decision), headers);
      }
      return new Reserved(limits, request, reservation, standing);
    });
}

/** Units of a quota. */
class Reserved implements Held {
  readonly #limits: Limits;
  readonly #request: QuotaRequest;
  readonly #reservation: string;

  constructor(
    limits: Limits,
    request: QuotaRequest,
    reservation: string,
    readonly standing: Standing,
  ) {
    this.#limits = limits;
    this.#request = request;
    this.#reservation = reservation;
  }

  settle(error?: unknown): void {
    const { key, amount } = this.#request;
    const used = error instanceof ConnectError && idle.has(error.code) ? 0 : amount;
    // Unsettled it stays taken until the window ends, and the call is answered already.
    forgetFailure(this.#limits.settle({ key, reservation: this.#reservation, used }));
    this.standing.remaining += amount - used;
  }
}

/** What was counted, or the reason why not, with when to try again. */
export function orRetry<T>(counted: Answer<T>): Answer<T> {
  if (!(counted instanceof Promise)) return counted;
  return counted.catch((error) => {
    throw withHeaders(error, retryAfter(awayMs));
  });
}

/** For what nobody waits for. */
export function forgetFailure(answer: Answer<void>): void {
  if (answer instanceof Promise) answer.catch(() => undefined);
}

function requestOf(rate: Rate, who: string): RateRequest {
  return { key: counterKey(rate, who), limit: rate.limit, windowMs: rate.windowMs };
}

function standingOf(bound: Rate, { remaining, resetMs }: RateDecision): Standing {
  return { bound, remaining, resetMs, cost: 1 };
}

function note(rate: Rate, request: RateRequest, decision: RateDecision, passed: Standing[]): undefined {
  passed.push(standingOf(rate, decision));
  if (decision.allowed) return;
  const headers = [...rateHeaders(passed, true), ...retryAfter(decision.retryAfterMs)];
  throw withHeaders(rateLimited(request, decision), headers);
}
