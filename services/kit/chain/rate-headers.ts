import { ConnectError } from "@connectrpc/connect";

/** A counter as a call left it. */
export interface Standing {
  readonly name: string;
  /** What the counter grants: in a window, or at once. */
  readonly limit: number;
  /** Undefined where calls in progress are counted. */
  readonly windowMs: number | undefined;
  readonly remaining: number;
  /** Until the whole limit is free again, in milliseconds; 0 where calls in progress are counted. */
  readonly resetMs: number;
  /** What one more call like this would take. */
  readonly cost: number;
}

/** Headers of one answer. */
export type HeaderEntries = readonly (readonly [name: string, value: string])[];

/**
 * `RateLimit-Policy` of all counters that a call passed, and `RateLimit` of the
 * one that decided: the one that refused, which is the last, or else, of those
 * that calls use up, the one that allows the fewest more
 * (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function rateHeaders(standings: readonly Standing[], refused: boolean): HeaderEntries {
  const decided = refused ? standings.at(-1) : tightest(standings);
  if (!decided) return [];
  return [
    ["ratelimit-policy", standings.map(policy).join(", ")],
    ["ratelimit", rateLimit(decided)],
  ];
}

/** `Retry-After`, in whole seconds; at least one, so that nobody comes back at once. */
export function retryAfter(milliseconds: number): HeaderEntries {
  return [["retry-after", String(Math.max(1, Math.ceil(milliseconds / 1000)))]];
}

/** Sets headers on an error of any protocol; what is no ConnectError stays as it is. */
export function withHeaders<E>(error: E, entries: HeaderEntries): E {
  if (error instanceof ConnectError) for (const [name, value] of entries) error.metadata.set(name, value);
  return error;
}

function tightest(standings: readonly Standing[]): Standing | undefined {
  let least: Standing | undefined;
  for (const standing of standings) {
    if (standing.windowMs === undefined) continue;
    if (!least || callsLeft(standing) < callsLeft(least)) least = standing;
  }
  return least;
}

function callsLeft({ remaining, cost }: Standing): number {
  return Math.floor(remaining / cost);
}

function rateLimit({ name, remaining, windowMs, resetMs }: Standing): string {
  const left = `"${name}";r=${Math.floor(remaining)}`;
  return windowMs === undefined ? left : `${left};t=${Math.ceil(resetMs / 1000)}`;
}

function policy({ name, limit, windowMs }: Standing): string {
  const granted = `"${name}";q=${limit}`;
  return windowMs === undefined
    ? `${granted};qu="concurrent-requests"`
    : `${granted};w=${Math.ceil(windowMs / 1000)}`;
}
