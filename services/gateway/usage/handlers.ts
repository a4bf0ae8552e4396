import type { ServiceImpl } from "@connectrpc/connect";
import type { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import type { UsageService } from "#gen/ts/consciousness/usage/v1/usage_service_pb.js";
import { accountKey } from "../../kit/chain/bounds.js";
import type { Quotas } from "../../kit/chain/quota.js";
import type { Clock } from "../../kit/clock.js";
import { principalOf } from "../../kit/context.js";
import type { Peer } from "../../kit/peers/peers.js";
import type { Limits } from "../../kit/stores/limits/port.js";
import { counterReader } from "./counter-reader.js";

/** What usage is read from. */
export interface UsageOptions {
  readonly limits: Limits;
  readonly quotas: Quotas;
  readonly plans: Pick<Peer<typeof PlansService>, "getAccountPlan">;
  readonly clock: Clock;
}

/** The methods that tell what is left. */
export function usageHandlers({
  limits,
  quotas,
  plans,
  clock,
}: UsageOptions): ServiceImpl<typeof UsageService> {
  const counters = counterReader({ limits, clock });
  const ofTenant = async (tenant: string) => counters.ofTenant(await quotas.sharedBy(tenant), tenant);
  return {
    async getUsage(_, context) {
      const principal = principalOf(context);
      const { tier, tenant } = principal;
      const read = await Promise.all([
        counters.ofAccount(quotas.allowanceOf(tier), accountKey(principal)),
        ofTenant(tenant),
      ]);
      return { tier, limits: read.flat() };
    },
    async getTenantUsage(_, context) {
      const { tenant } = principalOf(context);
      return { tenantId: tenant, limits: await ofTenant(tenant) };
    },
    async getAccountUsage({ accountId }, context) {
      const { tenant } = principalOf(context);
      const { tier } = await plans.getAccountPlan({ accountId }, context);
      const account = accountKey({ home: tenant, subject: accountId });
      return { tier, limits: await counters.ofAccount(quotas.allowanceOf(tier), account) };
    },
  };
}
