/** How often something may happen. */
export interface RateRequest {
  /** Who and what: tenant, principal and rate class. */
  readonly key: string;
  /** How much is allowed in one window, and at once. */
  readonly limit: number;
  readonly windowMs: number;
  /** How much this takes; 1 unless given. */
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

/**
 * Counts what may not exceed a bound, atomically for all who share it. One
 * adapter per file beside this one. Whoever cannot count allows nothing: rejects
 * with DEPENDENCY_UNAVAILABLE then.
 */
export interface Limits {
  /** Takes `cost` if that is within the rate; what is refused takes nothing. */
  take(request: RateRequest): Promise<RateDecision>;
  /** Takes `amount` from the quota until it is settled; unsettled, it stays taken until the window ends. */
  reserve(request: QuotaRequest): Promise<QuotaDecision>;
  /** Counts what was used in place of what was reserved. Once; not at all when the window has ended. */
  settle(reserved: {
    readonly key: string;
    readonly reservation: string;
    readonly used: number;
  }): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
