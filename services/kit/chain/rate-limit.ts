import { Code, ConnectError } from "@connectrpc/connect";
import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { setOwn } from "../calls/metadata.js";
import { callOf } from "../context.js";
import type { Limits } from "../stores/limits/port.js";
import type { Timers } from "../timers.js";
import { type Admitted, admitBy, admitStranger } from "./admit.js";
import { arrivalKey } from "./arrival.js";
import { accountKey, minuteMs, minuteRate, type Rate } from "./bounds.js";
import type { Layer } from "./chain.js";
import type { Hooks } from "./hooks.js";
import type { Request } from "./next.js";
import { createPlaces } from "./places.js";
import type { Quotas } from "./quota.js";
import { rateHeaders, withHeaders } from "./rate-headers.js";
import { onSettled } from "./settle.js";

/** How many calls a minute the edge takes from one address without a principal. */
export interface EdgeRates {
  readonly perMinute: number;
  /** Sign-ins of one address or account. */
  readonly signInPerMinute: number;
}

/** What bounds calls from outside. */
export interface RateLimitOptions {
  readonly limits: Limits;
  readonly rates: EdgeRates;
  readonly quotas: Quotas;
  readonly timers?: Timers;
}

/**
 * Bounds how often somebody calls, how much in all, and how much at once. A
 * principal's tier and its tenant say how; without a principal its address is
 * counted, and sign-ins have a rate of their own. A call holds units of a quota
 * and a place until it ends, streams to their end, and gets the units back
 * when no work was done. Methods without a rate class are not counted. What is
 * left stands in `RateLimit` of every answer.
 */
export function rateLimit({ limits, rates, quotas, timers }: RateLimitOptions): Layer {
  const places = createPlaces(limits, timers);
  return ({ rate }) => {
    if (rate === RateClass.UNSPECIFIED) return undefined;
    const alone = aloneRate(rate, rates);
    const cost = rate === RateClass.USAGE ? undefined : quotas.costOf(rate);
    const admit = admitBy({ limits, places, quotas }, cost);
    const hooks: Hooks<Admitted> = {
      begin(request) {
        const { principal } = callOf({ values: request.contextValues });
        if (principal && rate !== RateClass.SIGN_IN) return admit(principal);
        return admitStranger(limits, alone, principal ? accountKey(principal) : addressOf(request));
      },
      served(response, request, admitted) {
        for (const [name, value] of rateHeaders(admitted.standings, false)) {
          setOwn(response.header, name, value);
        }
        return admitted.holds ? onSettled(response, request, (error) => admitted.settle(error)) : response;
      },
      failed(error, _, admitted) {
        admitted.settle(error);
        withHeaders(error, rateHeaders(admitted.standings, false));
      },
    };
    return hooks;
  };
}

/**
 * Counts by address whoever is not let in, so that guesses at credentials are
 * bounded like calls without any. Stands before authentication.
 */
export function limitStrangers({ limits, rates }: Pick<RateLimitOptions, "limits" | "rates">): Layer {
  return ({ access, rate }) => {
    if (access.kind === "public" || rate === RateClass.UNSPECIFIED) return undefined;
    const alone = aloneRate(rate, rates);
    return {
      async failed(error, request) {
        const known = callOf({ values: request.contextValues }).principal !== undefined;
        if (known || !(error instanceof ConnectError) || error.code !== Code.Unauthenticated) return;
        const { standings } = await admitStranger(limits, alone, addressOf(request));
        withHeaders(error, rateHeaders(standings, false));
      },
    };
  };
}

function aloneRate(rate: RateClass, { perMinute, signInPerMinute }: EdgeRates): Rate {
  return rate === RateClass.SIGN_IN
    ? { name: "sign-in", limit: signInPerMinute, windowMs: minuteMs }
    : minuteRate(perMinute);
}

function addressOf({ contextValues }: Request): string {
  return contextValues.get(arrivalKey)?.clientAddress ?? "";
}
