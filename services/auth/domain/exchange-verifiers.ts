import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../../kit/clock.js";
import { workloadName } from "../../kit/contract/workloads.js";
import { accessAudience, createTokenVerifier, type Jwk, type TokenVerifier } from "../../kit/tokens.js";

/** Verifies what a workload may exchange. */
export type ExchangeVerifiers = (caller: Workload) => TokenVerifier;

/**
 * Verifiers by who exchanges: the gateway has access tokens, any other
 * workload the internal tokens that it was called with.
 */
export function exchangeVerifiers(options: {
  readonly keys: () => Promise<readonly Jwk[]>;
  readonly clock: Clock;
}): ExchangeVerifiers {
  const verifiers = new Map<Workload, TokenVerifier>();
  return (caller) => {
    const known = verifiers.get(caller);
    if (known) return known;
    const made =
      caller === Workload.GATEWAY
        ? createTokenVerifier({ ...options, kind: "access", audience: accessAudience })
        : createTokenVerifier({ ...options, kind: "internal", audience: workloadName(caller) });
    verifiers.set(caller, made);
    return made;
  };
}
