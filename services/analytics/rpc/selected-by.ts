import type { Principal } from "../../kit/context.js";
import { everything, type Period } from "../domain/selection.js";
import type { Selection } from "../store/port.js";
import { tenantOf } from "./scope.js";

/** The decisions of a period that a request is about: all of its tenant's, or those of an agent. Throws ALL_TENANTS_NOT_ALLOWED. */
export function selectedBy(
  request: { readonly agentId: string; readonly allTenants: boolean },
  principal: Principal,
  period: Period,
): Selection {
  const all = everything(tenantOf(principal, request), period);
  return { ...all, agentIds: request.agentId === "" ? [] : [request.agentId] };
}
