import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Principal } from "../context.js";
import { type WorkloadName, workloadName, workloads } from "../contract/workloads.js";

/** What a workload may do for itself. */
export type WorkloadGrants = Readonly<Partial<Record<WorkloadName, readonly Permission[]>>>;

/** Work that no request asked for reads and changes nothing that needs a permission, until it is given one here. */
export const workloadGrants: WorkloadGrants = {};

/** Tenant of what belongs to none. */
const tenant = "default";

/** The principal that a workload is when it calls for itself; undefined for one that never does. */
export type PrincipalOfWorkload = (caller: Workload) => Principal | undefined;

/**
 * Makes principals of proved workloads. Never of the gateway: it stands for
 * everybody outside, so that a call of its own without a credential is nobody's.
 */
export function workloadPrincipals(grants: WorkloadGrants): PrincipalOfWorkload {
  const principals = new Map<Workload, Principal>(
    [...workloads.values()]
      .filter((workload) => workload !== Workload.GATEWAY)
      .map((workload) => [workload, principalOf(workloadName(workload), grants)]),
  );
  return (caller) => principals.get(caller);
}

function principalOf(name: ReturnType<typeof workloadName>, grants: WorkloadGrants): Principal {
  return Object.freeze({
    tenant,
    home: tenant,
    subject: name,
    kind: "workload",
    username: name,
    roles: [],
    permissions: new Set(name === "nobody" ? [] : grants[name]),
    tier: Tier.UNSPECIFIED,
    session: "",
    apiKey: "",
    epoch: 0,
  });
}
