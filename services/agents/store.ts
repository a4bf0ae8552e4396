import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { ExpressionBuilder, Kysely, Transaction } from "kysely";
import {
  AgentCreatedSchema,
  AgentDeletedSchema,
  AgentUpdatedSchema,
} from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { type Agent, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { Clock } from "../kit/clock.js";
import type { Call, Principal } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import { newId } from "../kit/ids.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { transaction, violatedConstraint } from "../kit/stores/database/kysely.js";
import {
  type AgentRow,
  type AgentTables,
  knowledgeValue,
  slimColumns,
  slimValues,
  statusText,
  toAgent,
} from "./rows.js";

/** An agent and the version that it was loaded in. */
export interface StoredAgent {
  readonly id: string;
  readonly version: bigint;
  readonly agent: Agent;
}

/** Which page of the principal's agents. */
export interface PageQuery {
  /** UNSPECIFIED for all. */
  readonly status: AgentStatus;
  /** Id of the agent that the page follows; undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** The call that a change is made in. */
export type Cause = Pick<Call, "requestId" | "principal">;

/** What the store is made of. */
export interface AgentStoreOptions {
  readonly db: Kysely<AgentTables & OutboxTables>;
  readonly clock: Clock;
}

/** Keeps agents. Whatever a principal asks for or changes is among its own. */
export type AgentStore = ReturnType<typeof agentStore>;

type Tables = AgentTables & OutboxTables;

const owned =
  ({ tenant, subject }: Principal) =>
  (where: ExpressionBuilder<Tables, "agents">) =>
    where.and({ tenant_id: tenant, owner: subject });

/** Makes a store over the schema `agents`. Each change is a row and an event in one transaction. */
export function agentStore({ db, clock }: AgentStoreOptions) {
  return {
    /** A page of agents without their knowledge, newest first. */
    async list(principal: Principal, { status, after, limit }: PageQuery): Promise<Agent[]> {
      let query = db.selectFrom("agents").select(slimColumns).where(owned(principal));
      if (status !== AgentStatus.UNSPECIFIED) query = query.where("status", "=", statusText(status));
      if (after !== undefined) query = query.where("id", "<", after);
      return (await query.orderBy("id", "desc").limit(limit).execute()).map(toAgent);
    },

    /** One agent with its knowledge. Rejects with AGENT_NOT_FOUND. */
    async load(principal: Principal, id: string): Promise<StoredAgent> {
      const query = db.selectFrom("agents").selectAll().where(owned(principal)).where("id", "=", id);
      const row = await query.executeTakeFirst();
      if (!row) throw errors.agentNotFound({ id });
      return { id: row.id, version: row.version, agent: toAgent(row) };
    },

    /** Adds an agent and returns it with what the server gives it. Rejects with AGENT_NAME_TAKEN. */
    insert(principal: Principal, cause: Cause, draft: Agent): Promise<Agent> {
      const now = new Date(clock.now());
      return namedOnce(draft.name, async (trx) => {
        const values = {
          ...slimValues(draft),
          knowledge: knowledgeValue(draft),
          create_time: now,
          update_time: now,
        };
        const row = await trx
          .insertInto("agents")
          .values({ tenant_id: principal.tenant, owner: principal.subject, id: newId(), ...values })
          .returning(slimColumns)
          .executeTakeFirstOrThrow();
        const agent = toAgent(row);
        await record(trx, cause, row, {
          schema: AgentCreatedSchema,
          message: create(AgentCreatedSchema, { agent }),
        });
        return Object.assign(agent, { knowledge: draft.knowledge });
      });
    },

    /**
     * Saves `next` over `current` and returns it; undefined when `current` is no
     * longer what is stored. `changed` names what differs. Rejects with AGENT_NAME_TAKEN.
     */
    replace(
      principal: Principal,
      cause: Cause,
      current: StoredAgent,
      next: Agent,
      changed: string[],
    ): Promise<Agent | undefined> {
      const knowledge = changed.includes("knowledge") ? { knowledge: knowledgeValue(next) } : {};
      const times = { version: current.version + 1n, update_time: new Date(clock.now()) };
      return namedOnce(next.name, async (trx) => {
        const row = await trx
          .updateTable("agents")
          .set({ ...slimValues(next), ...knowledge, ...times })
          .where(owned(principal))
          .where("id", "=", current.id)
          .where("version", "=", current.version)
          .returning(slimColumns)
          .executeTakeFirst();
        if (!row) return undefined;
        const agent = toAgent(row);
        const message = create(AgentUpdatedSchema, { agent, changedFields: changed });
        await record(trx, cause, row, { schema: AgentUpdatedSchema, message });
        return Object.assign(agent, { knowledge: next.knowledge });
      });
    },

    /** Deletes an agent; undefined when `current` is no longer what is stored. */
    remove(principal: Principal, cause: Cause, current: StoredAgent): Promise<true | undefined> {
      return transaction(db, async (trx) => {
        const row = await trx
          .deleteFrom("agents")
          .where(owned(principal))
          .where("id", "=", current.id)
          .where("version", "=", current.version)
          .returning(slimColumns)
          .executeTakeFirst();
        if (!row) return undefined;
        const message = create(AgentDeletedSchema, { agentId: row.id });
        await record(
          trx,
          cause,
          { ...row, version: row.version + 1n },
          { schema: AgentDeletedSchema, message },
        );
        return true;
      });
    },
  };

  function namedOnce<R>(name: string, work: (trx: Transaction<Tables>) => Promise<R>): Promise<R> {
    return transaction(db, work).catch((error: unknown) => {
      if (violatedConstraint(error) === "agents_name_once") throw errors.agentNameTaken({ name }, error);
      throw error;
    });
  }

  function record<D extends DescMessage>(
    trx: Transaction<Tables>,
    cause: Cause,
    row: AgentRow,
    payload: { schema: D; message: MessageShape<D> },
  ): Promise<string> {
    const aggregate = { type: "agent", id: row.id, version: row.version };
    return recordEvent(trx, { call: cause, clock, tenant: row.tenant_id, aggregate, payload });
  }
}
