import { ConnectError } from "@connectrpc/connect";
import type { Ceiling, Quota, Rate } from "./bounds.js";

/** What a counter grants. */
export type Bound = Rate | Quota | Ceiling;

/** A counter as a call left it. */
export interface Standing {
  readonly bound: Bound;
  remaining: number;
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
    ["ratelimit-policy", policies(standings)],
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
    if ("most" in standing.bound) continue;
    if (!least || callsLeft(standing) < callsLeft(least)) least = standing;
  }
  return least;
}

function callsLeft({ remaining, cost }: Standing): number {
  return Math.floor(remaining / cost);
}

function rateLimit({ bound, remaining, resetMs }: Standing): string {
  const left = `"${bound.name}";r=${Math.floor(remaining)}`;
  return "most" in bound ? left : `${left};t=${Math.ceil(resetMs / 1000)}`;
}

interface Written {
  readonly bounds: readonly Bound[];
  readonly text: string;
}

const written = new WeakMap<Bound, Written>();

/** Bounds last for many calls, which pass the same of them, so that those which end with a bound are written once. */
function policies(standings: readonly Standing[]): string {
  const last = standings[standings.length - 1]!.bound;
  const known = written.get(last);
  if (known && areThose(known.bounds, standings)) return known.text;
  const bounds = standings.map(({ bound }) => bound);
  const text = bounds.map(policyText).join(", ");
  written.set(last, { bounds, text });
  return text;
}

function areThose(bounds: readonly Bound[], standings: readonly Standing[]): boolean {
  if (bounds.length !== standings.length) return false;
  for (let n = 0; n < bounds.length; n += 1) if (bounds[n] !== standings[n]!.bound) return false;
  return true;
}

function policyText(bound: Bound): string {
  if ("most" in bound) return `"${bound.name}";q=${bound.most};qu="concurrent-requests"`;
  const granted = "limit" in bound ? bound.limit : bound.units;
  return `"${bound.name}";q=${granted};w=${Math.ceil(bound.windowMs / 1000)}`;
}
