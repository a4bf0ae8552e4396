import type { ConnectError } from "@connectrpc/connect";
import { errors, withRetryInfo } from "../../errors.js";
import type { PlaceRequest, QuotaDecision, QuotaRequest, RateDecision, RateRequest } from "./port.js";

/** RATE_LIMITED, with the time to come back as `RetryInfo`. */
export function rateLimited({ limit, windowMs }: RateRequest, { retryAfterMs }: RateDecision): ConnectError {
  const params = { limit, window_seconds: seconds(windowMs), retry_seconds: seconds(retryAfterMs) };
  return withRetryInfo(errors.rateLimited(params), retryAfterMs);
}

/** QUOTA_EXHAUSTED, with the end of the window as `RetryInfo`. */
export function quotaExhausted({ limit }: QuotaRequest, { resetMs }: QuotaDecision): ConnectError {
  return withRetryInfo(errors.quotaExhausted({ limit, retry_seconds: seconds(resetMs) }), resetMs);
}

/** CONCURRENCY_EXHAUSTED; another try may do after `retryMs`. */
export function concurrencyExhausted({ limit }: PlaceRequest, retryMs: number): ConnectError {
  return withRetryInfo(errors.concurrencyExhausted({ limit }), retryMs);
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
