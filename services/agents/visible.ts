import { type ExpressionBuilder, type ExpressionWrapper, type SqlBool, sql } from "kysely";
import { AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { Principal } from "../kit/context.js";
import type { OutboxTables } from "../kit/outbox.js";
import { administersAgents, type NeededRole } from "./domain/agent-role.js";
import type { AgentTables } from "./rows.js";

type Tables = AgentTables & OutboxTables;
type Where = ExpressionBuilder<Tables, "agents">;
type Condition = ExpressionWrapper<Tables, "agents", SqlBool>;

/**
 * Agents of the principal's tenant on which it has at least the role `needed`:
 * its own, those shared with it, and all of them for who administers agents.
 */
export const withRole =
  (principal: Principal, needed: NeededRole) =>
  (where: Where): Condition => {
    const { tenant, subject } = principal;
    const ofTenant = where("agents.tenant_id", "=", tenant);
    if (administersAgents(principal)) return where.and([ofTenant]);
    const own = where("agents.owner", "=", subject);
    if (needed === AgentRole.OWNER) return where.and([ofTenant, own]);
    const roles = needed === AgentRole.EDITOR ? (["editor"] as const) : (["viewer", "editor"] as const);
    const shared = where
      .selectFrom("agent_shares")
      .select(sql`1`.as("one"))
      .whereRef("agent_shares.tenant_id", "=", "agents.tenant_id")
      .whereRef("agent_shares.agent_id", "=", "agents.id")
      .where("agent_shares.subject", "=", subject)
      .where("agent_shares.role", "in", roles);
    return where.and([ofTenant, where.or([own, where.exists(shared)])]);
  };

/** The role that a share gives the principal on an agent of its tenant, as a column `shared_role`; null for none. */
export const sharedRole =
  ({ tenant, subject }: Principal) =>
  (where: Where) =>
    where
      .selectFrom("agent_shares")
      .select("agent_shares.role")
      .where("agent_shares.tenant_id", "=", tenant)
      .whereRef("agent_shares.agent_id", "=", "agents.id")
      .where("agent_shares.subject", "=", subject)
      .as("shared_role");

/** The role of the principal on an agent that it may see. */
export function roleOn(
  row: { readonly owner: string; readonly shared_role: string | null },
  principal: Principal,
): AgentRole {
  if (row.owner === principal.subject) return AgentRole.OWNER;
  if (administersAgents(principal)) return AgentRole.ADMIN;
  return row.shared_role === "editor" ? AgentRole.EDITOR : AgentRole.VIEWER;
}
