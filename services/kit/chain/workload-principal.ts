import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Principal } from "../context.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";

/** What workloads may do for themselves. One that is not named is nobody when it calls without a user's credential. */
export type WorkloadGrants = Readonly<Partial<Record<WorkloadName, readonly Permission[]>>>;

/** Work that no request asked for calls public methods alone, until it is given something here. */
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
    [...workloads]
      .filter(([name, workload]) => grants[name] !== undefined && workload !== Workload.GATEWAY)
      .map(([name, workload]) => [workload, principalOf(name, grants[name] ?? [])]),
  );
  return (caller) => principals.get(caller);
}

function principalOf(name: WorkloadName, permissions: readonly Permission[]): Principal {
  return Object.freeze({
    tenant,
    home: tenant,
    subject: name,
    kind: "workload",
    username: name,
    roles: [],
    permissions: new Set(permissions),
    tier: Tier.UNSPECIFIED,
    session: "",
    apiKey: "",
    epoch: 0,
  });
}
