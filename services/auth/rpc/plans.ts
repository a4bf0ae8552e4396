import type { ServiceImpl } from "@connectrpc/connect";
import type { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import type { PlanStore } from "../store/plans.js";

type Methods = ServiceImpl<typeof PlansService>;

/** Handles GetTenantPlan. */
export function getTenantPlan({ plans }: { readonly plans: PlanStore }): Methods["getTenantPlan"] {
  return async ({ tenantId }) => {
    const { requestsPerHour, concurrentCalls } = (await plans.ofTenant(tenantId)) ?? {};
    return {
      ...(requestsPerHour !== undefined && { requestsPerHour }),
      ...(concurrentCalls !== undefined && { concurrentCalls }),
    };
  };
}

/** Handles GetAccountPlan. */
export function getAccountPlan({ plans }: { readonly plans: PlanStore }): Methods["getAccountPlan"] {
  return async ({ accountId }, context) => {
    const tier = await plans.tierOf(principalOf(context), accountId);
    if (tier === undefined) throw errors.subjectNotFound({ subject: accountId });
    return { tier };
  };
}
