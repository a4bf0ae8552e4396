import type { DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import type { Kysely } from "kysely";
import {
  type Agent,
  AgentRole,
  type AgentShare,
  AgentStatus,
} from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { Clock } from "../kit/clock.js";
import { callOf, type Principal, principalOf } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import { type HandledCall, once } from "../kit/idempotency/handle.js";
import type { OutboxTables } from "../kit/outbox.js";
import { violatedConstraint } from "../kit/stores/database/kysely.js";
import { type AgentChanges, agentChanges, loadAgent, type StoredAgent } from "./changes.js";
import { type AgentTables, slimColumns, statusText, toAgent } from "./rows.js";
import { listShares } from "./shares.js";
import { roleOn, sharedRole, withRole } from "./visible.js";

/** Which page of the agents that the principal may see. */
export interface PageQuery {
  /** UNSPECIFIED for all. */
  readonly status: AgentStatus;
  /** Empty for all. */
  readonly name: string;
  /** Id of the agent that the page follows; undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** What the store is made of. */
export interface AgentStoreOptions {
  readonly db: Kysely<AgentTables & OutboxTables>;
  readonly clock: Clock;
}

/** Keeps agents. Whatever a principal asks for or changes is its own, shared with it, or of the tenant that it administers. */
export type AgentStore = ReturnType<typeof agentStore>;

/** Makes a store over the schema `agents`. */
export function agentStore({ db, clock }: AgentStoreOptions) {
  return {
    /** A page of agents without their knowledge, newest first. */
    async list(principal: Principal, { status, name, after, limit }: PageQuery): Promise<Agent[]> {
      // PostgreSQL's text holds no NUL: no agent has such a name, and the query would fail.
      if (name.includes("\0")) return [];
      let query = db
        .selectFrom("agents")
        .select(slimColumns)
        .select(sharedRole(principal))
        .where(withRole(principal, AgentRole.VIEWER));
      if (status !== AgentStatus.UNSPECIFIED) query = query.where("status", "=", statusText(status));
      if (name !== "") query = query.where("name", "=", name);
      if (after !== undefined) query = query.where("id", "<", after);
      const rows = await query.orderBy("id", "desc").limit(limit).execute();
      return rows.map((row) => toAgent(row, roleOn(row, principal)));
    },

    /** One agent with its knowledge. Rejects with AGENT_NOT_FOUND. */
    load: (principal: Principal, id: string): Promise<StoredAgent> =>
      loadAgent(db, principal, { id, needed: AgentRole.VIEWER }),

    /** Rejects with AGENT_NOT_FOUND or OBJECT_ROLE_INSUFFICIENT unless the principal may share the agent. */
    async requireOwner(principal: Principal, id: string): Promise<void> {
      await loadAgent(db, principal, { id, needed: AgentRole.OWNER });
    },

    /** With whom an agent is shared. Rejects with AGENT_NOT_FOUND or OBJECT_ROLE_INSUFFICIENT. */
    async shares(principal: Principal, id: string): Promise<AgentShare[]> {
      await loadAgent(db, principal, { id, needed: AgentRole.OWNER });
      return listShares(db, principal, id);
    },

    /**
     * Makes the changes of a call and returns its answer, both once for the
     * call's idempotency key. All of it is one transaction, so `work` awaits
     * the changes that it is given and nothing else. Rejects with
     * AGENT_NAME_TAKEN when another has the name that an agent gets.
     */
    async change<M extends DescMethodUnary>(
      call: HandledCall<M>,
      work: (changes: AgentChanges) => Promise<MessageInitShape<M["output"]>>,
    ) {
      const principal = principalOf(call.context);
      const cause = callOf(call.context);
      let name = "";
      const naming = (wanted: string) => {
        name = wanted;
      };
      try {
        return await once(db, { ...call, clock }, (trx) =>
          work(agentChanges(trx, { principal, cause, clock, naming })),
        );
      } catch (error) {
        throw violatedConstraint(error) === "agents_name_once"
          ? errors.agentNameTaken({ name }, error)
          : error;
      }
    },
  };
}
