import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Limit, LimitKind, LimitSchema } from "#gen/ts/consciousness/usage/v1/usage_service_pb.js";
import {
  type Allowance,
  type Ceiling,
  counterKey,
  type Quota,
  type Rate,
  type SharedAllowance,
} from "../../kit/chain/bounds.js";
import type { Clock } from "../../kit/clock.js";
import type { Limits } from "../../kit/stores/limits/port.js";

/** Reads counters without taking anything of them. */
export interface CounterReader {
  /** What bounds an account on its own, by its key. */
  ofAccount(allowance: Allowance, account: string): Promise<Limit[]>;
  /** What the accounts of a tenant share. */
  ofTenant(shared: SharedAllowance, tenant: string): Promise<Limit[]>;
}

/** Reads the counters that bound calls. */
export function counterReader({ limits, clock }: { limits: Limits; clock: Clock }): CounterReader {
  const ofRates = async (rates: Allowance["rates"], who: string) => {
    const [burst, minute] = rates;
    const [here, there] = await limits.takeBoth([untaken(burst, who), untaken(minute, who)]);
    return [rateLimit(burst, here), rateLimit(minute, there)];
  };
  const rateLimit = (
    { name, limit, windowMs }: Rate,
    { remaining, resetMs }: { remaining: number; resetMs: number },
  ) =>
    describe({
      name,
      kind: LimitKind.RATE,
      limit,
      used: limit - remaining,
      windowMs,
      resetAt: clock.now() + resetMs,
    });
  const ofQuota = async (quota: Quota, who: string) => {
    const { name, units, windowMs } = quota;
    const { used, resetMs } = await limits.usedOf({ key: counterKey(quota, who), windowMs });
    return describe({
      name,
      kind: LimitKind.QUOTA,
      limit: units,
      used,
      windowMs,
      resetAt: clock.now() + resetMs,
    });
  };
  const ofCeiling = async (ceiling: Ceiling, who: string) => {
    const used = await limits.placesTaken(counterKey(ceiling, who));
    return describe({ name: ceiling.name, kind: LimitKind.CONCURRENCY, limit: ceiling.most, used });
  };
  const ofShared = async ({ quota, ceiling }: SharedAllowance, who: string) =>
    Promise.all([...(quota ? [ofQuota(quota, who)] : []), ...(ceiling ? [ofCeiling(ceiling, who)] : [])]);
  return {
    async ofAccount(allowance, account) {
      const read = await Promise.all([ofRates(allowance.rates, account), ofShared(allowance, account)]);
      return read.flat();
    },
    ofTenant: ofShared,
  };
}

function untaken(rate: Rate, who: string) {
  return { key: counterKey(rate, who), limit: rate.limit, windowMs: rate.windowMs, cost: 0 };
}

interface Reading {
  readonly name: string;
  readonly kind: LimitKind;
  readonly limit: number;
  readonly used: number;
  /** Milliseconds; absent where calls in progress are counted. */
  readonly windowMs?: number;
  /** Milliseconds of the epoch. */
  readonly resetAt?: number;
}

function describe({ name, kind, limit, used, windowMs, resetAt }: Reading): Limit {
  return create(LimitSchema, {
    name,
    kind,
    limit: BigInt(limit),
    used: BigInt(used),
    remaining: BigInt(Math.max(0, limit - used)),
    windowSeconds: (windowMs ?? 0) / 1000,
    ...(resetAt !== undefined && { resetTime: timestampFromMs(resetAt) }),
  });
}
