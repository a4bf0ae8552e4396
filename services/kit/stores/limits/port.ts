import type { Answer } from "../../answer.js";

/** How often something may happen. */
export interface RateRequest {
  /** Who and what: tenant, principal and rate class. */
  readonly key: string;
  /** How much is allowed in one window, and at once. */
  readonly limit: number;
  readonly windowMs: number;
  /** How much this takes; 1 unless given. 0 takes nothing and tells what is left. */
  readonly cost?: number;
}

/** Whether it may happen now. */
export interface RateDecision {
  readonly allowed: boolean;
  /** How much more would be allowed right now. */
  readonly remaining: number;
  /** When the whole limit is free again, in milliseconds from now. */
  readonly resetMs: number;
  /** When as much as was asked for is free, in milliseconds from now; 0 when it was allowed. */
  readonly retryAfterMs: number;
}

/** How much may be used up in a window that begins and ends for everybody at once. */
export interface QuotaRequest {
  readonly key: string;
  readonly limit: number;
  readonly windowMs: number;
  /** How much this may use at most. */
  readonly amount: number;
}

/** Whether so much is left. */
export interface QuotaDecision {
  readonly allowed: boolean;
  readonly remaining: number;
  /** When the window ends, in milliseconds from now. */
  readonly resetMs: number;
  /** For `settle`; empty when it was not allowed. */
  readonly reservation: string;
}

/** What of a quota is used or reserved. */
export interface QuotaUse {
  readonly used: number;
  /** When the window ends, in milliseconds from now. */
  readonly resetMs: number;
}

/** How many may be in progress at once, over all who share the limits. */
export interface PlaceRequest {
  readonly key: string;
  readonly limit: number;
  /** After how many milliseconds a place is free again that nobody kept. */
  readonly ttlMs: number;
}

/** Whether there was room for one more. */
export interface PlaceDecision {
  readonly allowed: boolean;
  /** Places that are taken now, with this one. */
  readonly taken: number;
  /** For `keep` and `leave`; empty when it was not allowed. */
  readonly place: string;
}

/**
 * Counts what may not exceed a bound, atomically for all who share it. One
 * adapter per file beside this one. Whoever cannot count allows nothing: rejects
 * with DEPENDENCY_UNAVAILABLE then. Whoever counts in this process answers at once.
 */
export interface Limits {
  /** Takes `cost` if that is within the rate; what is refused takes nothing. */
  take(request: RateRequest): Answer<RateDecision>;
  /**
   * Takes from both rates when both allow it, else from none. Their keys begin
   * with the same part in braces, which servers of a cluster keep in one place.
   */
  takeBoth(requests: readonly [RateRequest, RateRequest]): Answer<readonly [RateDecision, RateDecision]>;
  /** Takes `amount` from the quota until it is settled; unsettled, it stays taken until the window ends. */
  reserve(request: QuotaRequest): Answer<QuotaDecision>;
  /** Counts what was used in place of what was reserved. Once; not at all when the window has ended. */
  settle(reserved: {
    readonly key: string;
    readonly reservation: string;
    readonly used: number;
  }): Answer<void>;
  /** What of a quota is used, without any effect. */
  usedOf(quota: Pick<QuotaRequest, "key" | "windowMs">): Answer<QuotaUse>;
  /** Takes one of the places, until it is left or not kept for its time to live. */
  enter(request: PlaceRequest): Answer<PlaceDecision>;
  /** Holds a place for another time to live, and again if it was lost. */
  keep(held: { readonly key: string; readonly place: string; readonly ttlMs: number }): Answer<void>;
  leave(held: { readonly key: string; readonly place: string }): Answer<void>;
  /** How many places are taken. */
  placesTaken(key: string): Answer<number>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
