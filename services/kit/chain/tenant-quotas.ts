import { LRUCache } from "lru-cache";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";
import { hourMs, type SharedAllowance } from "./bounds.js";
import type { Quotas } from "./quota.js";

/** What a tenant's accounts may use together; a limit that is absent does not bound them. */
export interface TenantPlan {
  readonly requestsPerHour?: number | undefined;
  readonly concurrentCalls?: number | undefined;
}

export interface TenantQuotasOptions {
  /** Asks for a tenant's plan; rejects when nobody answers in time. */
  readonly ask: (tenant: string) => Promise<TenantPlan>;
  readonly clock: Clock;
  /** Tenants that are remembered; of more, those not seen for the longest are asked for again. */
  readonly mostTenants?: number;
}

interface Known {
  readonly allowance: SharedAllowance;
  readonly askedAt: number;
  /** When the latest question failed; 0 when it did not. */
  failedAt: number;
}

/** How long an answer counts without a question, in milliseconds: changes take effect within a second. */
const freshMs = 500;
/** How long the last answer counts while nobody answers, in milliseconds. */
const staleMs = 60_000;

/**
 * What tenants may use, remembered for half a second each. While auth is away
 * the last answer counts, for a minute; then nothing is allowed, as it is
 * for a tenant of which nothing was ever heard.
 */
export function tenantQuotas({ ask, clock, mostTenants = 10_000 }: TenantQuotasOptions): Quotas["sharedBy"] {
  const known = new LRUCache<string, Known>({ max: mostTenants });
  const asked = new Map<string, Promise<SharedAllowance>>();

  const fetch = async (tenant: string): Promise<SharedAllowance> => {
    // What was true when it was asked for may have changed when the answer comes.
    const askedAt = clock.monotonic();
    try {
      const allowance = allowanceOf(await ask(tenant));
      known.set(tenant, { allowance, askedAt, failedAt: Number.NEGATIVE_INFINITY });
      return allowance;
    } catch (error) {
      const last = known.get(tenant);
      const now = clock.monotonic();
      if (!last || now - last.askedAt > staleMs)
        throw errors.dependencyUnavailable({ dependency: "auth" }, error);
      last.failedAt = now;
      return last.allowance;
    }
  };
  const refresh = (tenant: string): Promise<SharedAllowance> => {
    const begun = asked.get(tenant) ?? fetch(tenant).finally(() => asked.delete(tenant));
    asked.set(tenant, begun);
    return begun;
  };

  return (tenant) => {
    const last = known.get(tenant);
    if (!last) return refresh(tenant);
    const now = clock.monotonic();
    if (now - last.askedAt <= freshMs) return last.allowance;
    if (now - last.askedAt > staleMs || last.failedAt < last.askedAt) return refresh(tenant);
    // Auth did not answer the last time, so nobody waits for it now.
    if (now - last.failedAt > freshMs) refresh(tenant).catch(() => undefined);
    return last.allowance;
  };
}

function allowanceOf({ requestsPerHour, concurrentCalls }: TenantPlan): SharedAllowance {
  return {
    quota:
      requestsPerHour === undefined
        ? undefined
        : { name: "tenant-quota", units: requestsPerHour, windowMs: hourMs },
    ceiling:
      concurrentCalls === undefined ? undefined : { name: "tenant-concurrency", most: concurrentCalls },
  };
}
