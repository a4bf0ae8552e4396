import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { ExpressionBuilder, Kysely, Transaction } from "kysely";
import {
  AgentCreatedSchema,
  AgentDeletedSchema,
  AgentUpdatedSchema,
} from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { type Agent, AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { Clock } from "../kit/clock.js";
import type { Call, Principal } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import { newId } from "../kit/ids.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { withNext } from "../kit/stores/database/kysely.js";
import { type NeededRole, requireRole } from "./domain/agent-role.js";
import { type AgentRow, type AgentTables, knowledgeValue, slimColumns, slimValues, toAgent } from "./rows.js";
import { shareChanges } from "./shares.js";
import { roleOn, sharedRole, withRole } from "./visible.js";

/** An agent, the version that it was loaded in, and what the principal may do with it. */
export interface StoredAgent {
  readonly id: string;
  readonly version: bigint;
  readonly role: AgentRole;
  readonly agent: Agent;
}

/** Whose changes, in which call, and when. */
export interface ChangeOrigin {
  readonly principal: Principal;
  readonly cause: Pick<Call, "requestId" | "principal">;
  readonly clock: Clock;
  /** Told of the name that an agent gets, which another may have. */
  naming(name: string): void;
}

/** Changes of the principal's agents within one transaction, each a row and an event. */
export type AgentChanges = ReturnType<typeof agentChanges>;

type Tables = AgentTables & OutboxTables;

/**
 * One agent with its knowledge. Rejects with AGENT_NOT_FOUND, and with
 * OBJECT_ROLE_INSUFFICIENT when the principal's role on it is not the `needed` one.
 */
export async function loadAgent(
  db: Kysely<Tables>,
  principal: Principal,
  { id, needed }: { readonly id: string; readonly needed: NeededRole },
): Promise<StoredAgent> {
  const row = await db
    .selectFrom("agents")
    .selectAll("agents")
    .select(sharedRole(principal))
    .where(withRole(principal, AgentRole.VIEWER))
    .where("agents.id", "=", id)
    .executeTakeFirst();
  if (!row) throw errors.agentNotFound({ id });
  const role = roleOn(row, principal);
  requireRole({ id, role }, needed);
  return { id: row.id, version: row.version, role, agent: toAgent(row, role) };
}

/** Makes the changes of a transaction. */
export function agentChanges(trx: Transaction<Tables>, { principal, cause, clock, naming }: ChangeOrigin) {
  const now = new Date(clock.now());

  const record = <D extends DescMessage>(
    row: AgentRow,
    payload: { schema: D; message: MessageShape<D> },
  ): Promise<string> => {
    const aggregate = { type: "agent", id: row.id, version: row.version };
    return recordEvent(trx, { call: cause, clock, tenant: row.tenant_id, aggregate, payload });
  };

  const same =
    ({ id, version }: StoredAgent, needed: NeededRole) =>
    (where: ExpressionBuilder<Tables, "agents">) =>
      where.and([withRole(principal, needed)(where), where.and({ id, version })]);

  /** Gives an agent its next version; undefined when `current` is no longer what is stored. */
  const advance = (current: StoredAgent): Promise<AgentRow | undefined> =>
    trx
      .updateTable("agents")
      .set({ version: current.version + 1n })
      .where(same(current, AgentRole.OWNER))
      .returning(slimColumns)
      .executeTakeFirst();

  return {
    /** As `loadAgent`. */
    load: (id: string, needed: NeededRole): Promise<StoredAgent> => loadAgent(trx, principal, { id, needed }),

    ...shareChanges({ trx, principal, now, advance, record }),

    /** Adds an agent and returns it with what the server gives it. */
    async insert(draft: Agent): Promise<Agent> {
      naming(draft.name);
      const owner = { tenant_id: principal.tenant, owner: principal.subject, id: newId() };
      const values = { ...owner, ...slimValues(draft), version: 1n, create_time: now, update_time: now };
      await trx
        .insertInto("agents")
        .values({ ...values, knowledge: knowledgeValue(draft) })
        .modifyEnd(withNext)
        .execute();
      const row = { ...values, configuration: JSON.parse(values.configuration) };
      const message = create(AgentCreatedSchema, { agent: toAgent(row) });
      await record(row, { schema: AgentCreatedSchema, message });
      return Object.assign(toAgent(row, AgentRole.OWNER), { knowledge: draft.knowledge });
    },

    /**
     * Saves `next` over `current` and returns it; undefined when `current` is no
     * longer what is stored. `changed` names what differs.
     */
    async replace(current: StoredAgent, next: Agent, changed: string[]): Promise<Agent | undefined> {
      const knowledge = changed.includes("knowledge") ? { knowledge: knowledgeValue(next) } : {};
      const query = trx
        .updateTable("agents")
        .set({ ...slimValues(next), ...knowledge, version: current.version + 1n, update_time: now })
        .where(same(current, AgentRole.EDITOR))
        .returning(slimColumns);
      naming(next.name);
      const row = await query.executeTakeFirst();
      if (!row) return undefined;
      const message = create(AgentUpdatedSchema, { agent: toAgent(row), changedFields: changed });
      await record(row, { schema: AgentUpdatedSchema, message });
      return Object.assign(toAgent(row, current.role), { knowledge: next.knowledge });
    },

    /** Deletes an agent; undefined when `current` is no longer what is stored. */
    async remove(current: StoredAgent): Promise<true | undefined> {
      const query = trx.deleteFrom("agents").where(same(current, AgentRole.OWNER)).returning(slimColumns);
      const row = await query.executeTakeFirst();
      if (!row) return undefined;
      const message = create(AgentDeletedSchema, { agentId: row.id });
      await record({ ...row, version: row.version + 1n }, { schema: AgentDeletedSchema, message });
      return true;
    },
  };
}
