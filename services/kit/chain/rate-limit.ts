import { ConnectError } from "@connectrpc/connect";
import { RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { callOf } from "../context.js";
import type { Limits, RateDecision, RateRequest } from "../stores/limits/port.js";
import { rateLimited } from "../stores/limits/refusal.js";
import { arrivalKey } from "./arrival.js";
import type { Layer } from "./chain.js";

const windowMs = 60_000;

/** How many calls a minute the edge takes from one principal, or from one address without a principal. */
export interface EdgeRates {
  readonly perMinute: number;
  readonly signInPerMinute: number;
}

/**
 * Bounds how often somebody calls: by principal, or by address on public
 * methods. Sign-ins have a rate of their own; methods without a rate class are
 * not counted. What is left stands in `RateLimit` of every answer
 * (draft-ietf-httpapi-ratelimit-headers-10), by the counter that decided.
 */
export function rateLimit({ limits, rates }: { limits: Limits; rates: EdgeRates }): Layer {
  return ({ rate }) => {
    if (rate === RateClass.UNSPECIFIED) return undefined;
    const name = rate === RateClass.SIGN_IN ? "sign-in" : "burst";
    const limit = rate === RateClass.SIGN_IN ? rates.signInPerMinute : rates.perMinute;
    return (next) => async (request) => {
      const { principal } = callOf({ values: request.contextValues });
      const address = request.contextValues.get(arrivalKey)?.clientAddress ?? "";
      const who = principal ? `${principal.tenant} ${principal.subject}` : address;
      const taken: RateRequest = { key: `${name} ${who}`, limit, windowMs };
      const decision = await limits.take(taken);
      const stated = headers(name, taken, decision);
      if (!decision.allowed) throw withHeaders(rateLimited(taken, decision), stated);
      const response = await next(request).catch((error) => {
        throw error instanceof ConnectError ? withHeaders(error, stated) : error;
      });
      for (const [header, value] of stated) response.header.set(header, value);
      return response;
    };
  };
}

type HeaderEntries = readonly (readonly [name: string, value: string])[];

function headers(name: string, { limit }: RateRequest, { remaining, resetMs }: RateDecision): HeaderEntries {
  return [
    ["ratelimit-policy", `"${name}";q=${limit};w=${windowMs / 1000}`],
    ["ratelimit", `"${name}";r=${Math.floor(remaining)};t=${Math.ceil(resetMs / 1000)}`],
  ];
}

function withHeaders(error: ConnectError, entries: HeaderEntries): ConnectError {
  for (const [header, value] of entries) error.metadata.set(header, value);
  return error;
}
