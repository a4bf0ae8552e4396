import { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import { type Implementation, implement } from "../kit/workload.js";
import { getAccountPlan, getTenantPlan } from "./rpc/plans.js";
import type { AuthStore } from "./store.js";

/** What tells the gateway what tenants and accounts may use. */
export function planServices({ store }: { readonly store: Pick<AuthStore, "plans"> }): Implementation[] {
  return [
    implement(PlansService, {
      getTenantPlan: getTenantPlan(store),
      getAccountPlan: getAccountPlan(store),
    }),
  ];
}
