import { AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";

/** What a change needs of the principal's role on an agent. */
export type NeededRole = AgentRole.VIEWER | AgentRole.EDITOR | AgentRole.OWNER;

/** Whether the principal may do with every agent of its tenant what the owners may. */
export function administersAgents({ permissions }: Principal): boolean {
  return permissions.has(Permission.AGENT_ADMIN);
}

/** Whether a role allows what another one allows; ADMIN allows all that OWNER does. */
export function allows(role: AgentRole, needed: NeededRole): boolean {
  return role >= needed;
}

/** Throws OBJECT_ROLE_INSUFFICIENT when the role on the agent of that id does not allow what `needed` does. */
export function requireRole({ id, role }: { id: string; role: AgentRole }, needed: NeededRole): void {
  if (!allows(role, needed)) {
    throw errors.objectRoleInsufficient({ role: `AGENT_ROLE_${AgentRole[needed]}`, object: `agent ${id}` });
  }
}
