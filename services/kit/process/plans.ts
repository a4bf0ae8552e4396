import { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import { configuredQuotas, type Quotas } from "../chain/quota.js";
import { tenantQuotas } from "../chain/tenant-quotas.js";
import type { Clock } from "../clock.js";
import { backgroundCaller } from "../context.js";
import type { PeersOf } from "../peers/network.js";
import type { RatesConfig } from "./rates.js";

/** How long auth may take to answer, in milliseconds: a call from outside waits for it. */
const askMs = 400;

/** What bounds calls from outside: tiers as configured, tenants as auth says. */
export function quotasOf(
  config: RatesConfig["quotas"],
  { peers, clock }: { readonly peers: PeersOf; readonly clock: Clock },
): Quotas {
  const ask = (tenantId: string) =>
    peers(PlansService).getTenantPlan({ tenantId }, backgroundCaller(clock, askMs));
  return configuredQuotas(config, tenantQuotas({ ask, clock }));
}
