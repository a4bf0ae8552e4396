import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { ConnectError } from "@connectrpc/connect";
import { RetryInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { errors } from "../../errors.js";
import type { QuotaDecision, QuotaRequest, RateDecision, RateRequest } from "./port.js";

/** RATE_LIMITED, with the time to come back as `RetryInfo`. */
export function rateLimited({ limit, windowMs }: RateRequest, { retryAfterMs }: RateDecision): ConnectError {
  const params = { limit, window_seconds: seconds(windowMs), retry_seconds: seconds(retryAfterMs) };
  return withRetry(errors.rateLimited(params), retryAfterMs);
}

/** QUOTA_EXHAUSTED, with the end of the window as `RetryInfo`. */
export function quotaExhausted({ limit }: QuotaRequest, { resetMs }: QuotaDecision): ConnectError {
  return withRetry(errors.quotaExhausted({ limit, retry_seconds: seconds(resetMs) }), resetMs);
}

function withRetry(error: ConnectError, delayMs: number): ConnectError {
  const value = create(RetryInfoSchema, { retryDelay: durationFromMs(delayMs) });
  error.details.push({ desc: RetryInfoSchema, value });
  return error;
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
