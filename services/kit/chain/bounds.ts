import type { Principal } from "../context.js";

/** How many calls may be made in a time that slides, all of them at once too. */
export interface Rate {
  /** As `RateLimit` names it. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

/** How much may be used in a window that begins and ends for everybody at once. */
export interface Quota {
  readonly name: string;
  readonly units: number;
  readonly windowMs: number;
}

/** How many calls may be in progress at once, over all replicas. */
export interface Ceiling {
  readonly name: string;
  readonly most: number;
}

/** What bounds the accounts of a tenant together; undefined for no bound. */
export interface SharedAllowance {
  readonly quota: Quota | undefined;
  readonly ceiling: Ceiling | undefined;
}

/** What bounds one account on its own; undefined for no bound. */
export interface Allowance extends SharedAllowance {
  /** How fast it may call, and how often in a minute. */
  readonly rates: readonly [burst: Rate, minute: Rate];
}

/** The length of every quota's window, in milliseconds. */
export const hourMs = 3_600_000;
/** The length of a minute's rate, in milliseconds. */
export const minuteMs = 60_000;

/** So many calls a minute, all of them at once too. */
export function minuteRate(limit: number): Rate {
  return { name: "minute", limit, windowMs: minuteMs };
}

/** Whom an account's counters count: the same whichever tenant it acts in, so that none counts it anew. */
export function accountKey({ home, subject }: Pick<Principal, "home" | "subject">): string {
  return `${home} ${subject}`;
}

/** The key of a counter. Those of one `who` stay together on a cluster. */
export function counterKey({ name }: { readonly name: string }, who: string): string {
  return `{${who}} ${name}`;
}
