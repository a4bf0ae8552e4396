import { Code, ConnectError, type StreamRequest, type UnaryRequest } from "@connectrpc/connect";
import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { callOf, type Principal } from "../context.js";
import type { Limits } from "../stores/limits/port.js";
import { arrivalKey } from "./arrival.js";
import type { Layer } from "./chain.js";
import { type Burst, type Reservation, reserveFromQuota, takeFromBurst } from "./counters.js";
import type { Quotas } from "./quota.js";
import { rateHeaders, type Standing, withHeaders } from "./rate-headers.js";
import { onSettled } from "./settle.js";

/** How many calls a minute the edge takes from one principal, or from one address without a principal. */
export interface EdgeRates {
  readonly perMinute: number;
  readonly signInPerMinute: number;
}

/** What bounds calls from outside. */
export interface RateLimitOptions {
  readonly limits: Limits;
  readonly rates: EdgeRates;
  readonly quotas: Quotas;
}

/**
 * Bounds how often somebody calls, and how much in all. In front stands a rate,
 * by principal, or by address on public methods; sign-ins have one of their
 * own. Behind it the principal's quota: a call reserves the units of its class,
 * and gives them back when it ends before any work was done. Methods without a
 * rate class are not counted. What is left stands in `RateLimit` of every answer.
 */
export function rateLimit({ limits, rates, quotas }: RateLimitOptions): Layer {
  return ({ rate }) => {
    if (rate === RateClass.UNSPECIFIED) return undefined;
    const burst = burstOf(rate, rates);
    const cost = quotas.costOf(rate);
    const reserve = async (principal: Principal, passed: Standing) => {
      const quota = await quotas.quotaOf(principal);
      return quota && reserveFromQuota(limits, quota, { who: keyOf(principal), cost, passed });
    };
    return (next) => async (request) => {
      const { principal } = callOf({ values: request.contextValues });
      const passed = await takeFromBurst(limits, burst, principal ? keyOf(principal) : addressOf(request));
      const reserved = principal && cost > 0 ? await reserve(principal, passed) : undefined;
      try {
        const response = await next(request);
        for (const [name, value] of stated(passed, reserved?.standing)) response.header.set(name, value);
        return reserved ? onSettled(response, request, reserved.settle) : response;
      } catch (error) {
        throw withHeaders(error, stated(passed, reserved?.settle(error)));
      }
    };
  };
}

/**
 * Counts by address whoever is not let in, so that guesses at credentials are
 * bounded like calls without any. Stands before authentication.
 */
export function limitStrangers({ limits, rates }: Pick<RateLimitOptions, "limits" | "rates">): Layer {
  return ({ access, rate }) => {
    if (access.kind === "public" || rate === RateClass.UNSPECIFIED) return undefined;
    const burst = burstOf(rate, rates);
    return (next) => async (request) => {
      try {
        return await next(request);
      } catch (error) {
        const known = callOf({ values: request.contextValues }).principal !== undefined;
        if (known || !(error instanceof ConnectError) || error.code !== Code.Unauthenticated) throw error;
        throw withHeaders(error, stated(await takeFromBurst(limits, burst, addressOf(request))));
      }
    };
  };
}

function burstOf(rate: RateClass, { perMinute, signInPerMinute }: EdgeRates): Burst {
  return rate === RateClass.SIGN_IN
    ? { name: "sign-in", limit: signInPerMinute }
    : { name: "burst", limit: perMinute };
}

function stated(burst: Standing, quota?: Reservation["standing"]) {
  return rateHeaders(quota ? [burst, quota] : [burst], false);
}

function keyOf({ tenant, subject }: Principal): string {
  return `${tenant} ${subject}`;
}

function addressOf({ contextValues }: UnaryRequest | StreamRequest): string {
  return contextValues.get(arrivalKey)?.clientAddress ?? "";
}
