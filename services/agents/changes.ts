import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { ExpressionBuilder, Kysely, Transaction } from "kysely";
import {
  AgentCreatedSchema,
  AgentDeletedSchema,
  AgentUpdatedSchema,
} from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import type { Agent } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { Clock } from "../kit/clock.js";
import type { Call, Principal } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import { newId } from "../kit/ids.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { withNext } from "../kit/stores/database/kysely.js";
import { type AgentRow, type AgentTables, knowledgeValue, slimColumns, slimValues, toAgent } from "./rows.js";

/** An agent and the version that it was loaded in. */
export interface StoredAgent {
  readonly id: string;
  readonly version: bigint;
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

/** Only the principal's own. */
export const owned =
  ({ tenant, subject }: Principal) =>
  (where: ExpressionBuilder<Tables, "agents">) =>
    where.and({ tenant_id: tenant, owner: subject });

/** One agent with its knowledge. Rejects with AGENT_NOT_FOUND. */
export async function loadAgent(db: Kysely<Tables>, principal: Principal, id: string): Promise<StoredAgent> {
  const query = db.selectFrom("agents").selectAll().where(owned(principal)).where("id", "=", id);
  const row = await query.executeTakeFirst();
  if (!row) throw errors.agentNotFound({ id });
  return { id: row.id, version: row.version, agent: toAgent(row) };
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
    ({ id, version }: StoredAgent) =>
    (where: ExpressionBuilder<Tables, "agents">) =>
      where.and([owned(principal)(where), where.and({ id, version })]);

  return {
    /** One agent with its knowledge. Rejects with AGENT_NOT_FOUND. */
    load: (id: string): Promise<StoredAgent> => loadAgent(trx, principal, id),

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
      const agent = toAgent(row);
      await record(row, { schema: AgentCreatedSchema, message: create(AgentCreatedSchema, { agent }) });
      return Object.assign(agent, { knowledge: draft.knowledge });
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
        .where(same(current))
        .returning(slimColumns);
      naming(next.name);
      const row = await query.executeTakeFirst();
      if (!row) return undefined;
      const agent = toAgent(row);
      const message = create(AgentUpdatedSchema, { agent, changedFields: changed });
      await record(row, { schema: AgentUpdatedSchema, message });
      return Object.assign(agent, { knowledge: next.knowledge });
    },

    /** Deletes an agent; undefined when `current` is no longer what is stored. */
    async remove(current: StoredAgent): Promise<true | undefined> {
      const query = trx.deleteFrom("agents").where(same(current)).returning(slimColumns);
      const row = await query.executeTakeFirst();
      if (!row) return undefined;
      const message = create(AgentDeletedSchema, { agentId: row.id });
      await record({ ...row, version: row.version + 1n }, { schema: AgentDeletedSchema, message });
      return true;
    },
  };
}
