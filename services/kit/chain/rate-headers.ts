import { ConnectError } from "@connectrpc/connect";

/** A counter as a call left it. */
export interface Standing {
  readonly name: string;
  /** What the counter grants in a window. */
  readonly limit: number;
  readonly windowMs: number;
  readonly remaining: number;
  /** Until the whole limit is free again, in milliseconds. */
  readonly resetMs: number;
  /** What one more call like this would take. */
  readonly cost: number;
}

/** Headers of one answer. */
export type HeaderEntries = readonly (readonly [name: string, value: string])[];

/**
 * `RateLimit-Policy` of all counters that a call passed, and `RateLimit` of the
 * one that decided: the one that refused, which is the last, or else the one
 * that allows the fewest more calls (draft-ietf-httpapi-ratelimit-headers-10).
 */
export function rateHeaders(standings: readonly Standing[], refused: boolean): HeaderEntries {
  const decided = refused ? standings.at(-1) : standings.reduce(tighter);
  if (!decided) return [];
  const { name, remaining, resetMs } = decided;
  return [
    ["ratelimit-policy", standings.map(policy).join(", ")],
    ["ratelimit", `"${name}";r=${Math.floor(remaining)};t=${Math.ceil(resetMs / 1000)}`],
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

function tighter(a: Standing, b: Standing): Standing {
  return Math.floor(b.remaining / b.cost) < Math.floor(a.remaining / a.cost) ? b : a;
}

function policy({ name, limit, windowMs }: Standing): string {
  return `"${name}";q=${limit};w=${windowMs / 1000}`;
}
