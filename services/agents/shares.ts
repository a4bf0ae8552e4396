import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { Kysely, Transaction } from "kysely";
import { AgentSharedSchema, AgentUnsharedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { AgentRole, type AgentShare } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { Principal } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import type { OutboxTables } from "../kit/outbox.js";
import type { StoredAgent } from "./changes.js";
import { type AgentRow, type AgentTables, toShare } from "./rows.js";

type Tables = AgentTables & OutboxTables;

/** What changes of shares are made with. */
export interface ShareOrigin {
  readonly trx: Transaction<Tables>;
  readonly principal: Principal;
  readonly now: Date;
  /** Gives the agent its next version, and locks it. */
  advance(current: StoredAgent): Promise<AgentRow | undefined>;
  record<D extends DescMessage>(
    row: AgentRow,
    payload: { schema: D; message: MessageShape<D> },
  ): Promise<string>;
}

/** A share that is wanted. */
export interface WantedShare {
  readonly subject: string;
  readonly role: AgentRole;
  /** With how many an agent may be shared. */
  readonly limit: number;
}

/** The shares of an agent, oldest first. The caller has checked that the principal may see them. */
export async function listShares(
  db: Kysely<Tables>,
  principal: Principal,
  id: string,
): Promise<AgentShare[]> {
  const query = sharesOf(db, principal, id).selectAll().orderBy("create_time").orderBy("subject");
  return (await query.execute()).map(toShare);
}

/** Changes of the shares of an agent; each gives the agent its next version. */
export function shareChanges({ trx, principal, now, advance, record }: ShareOrigin) {
  const shareWith = (id: string, subject: string) =>
    sharesOf(trx, principal, id).where("subject", "=", subject).selectAll().executeTakeFirst();

  return {
    /**
     * Shares an agent, or changes the role of a share; undefined when `current`
     * is no longer what is stored. Rejects with SHARES_EXHAUSTED.
     */
    async share(
      current: StoredAgent,
      { subject, role, limit }: WantedShare,
    ): Promise<AgentShare | undefined> {
      const name = AgentRole[role].toLowerCase();
      const known = await shareWith(current.id, subject);
      if (known?.role === name) return toShare(known);
      const row = await advance(current);
      if (!row) return undefined;
      if (!known) await requireRoom(trx, principal, { id: current.id, limit });
      const key = { tenant_id: principal.tenant, agent_id: current.id, subject };
      const changed = { role: name, shared_by: principal.subject, update_time: now };
      const saved = await trx
        .insertInto("agent_shares")
        .values({ ...key, ...changed, create_time: now })
        .onConflict((conflict) => conflict.columns(["tenant_id", "agent_id", "subject"]).doUpdateSet(changed))
        .returningAll()
        .executeTakeFirstOrThrow();
      const share = toShare(saved);
      const message = create(AgentSharedSchema, { agentId: current.id, share });
      await record(row, { schema: AgentSharedSchema, message });
      return share;
    },

    /** Withdraws a share; undefined when `current` is no longer what is stored. Rejects with SHARE_NOT_FOUND. */
    async unshare(current: StoredAgent, subject: string): Promise<true | undefined> {
      const known = await shareWith(current.id, subject);
      if (!known) throw errors.shareNotFound({ id: current.id, subject });
      const row = await advance(current);
      if (!row) return undefined;
      const { tenant_id, agent_id } = known;
      await trx
        .deleteFrom("agent_shares")
        .where((where) => where.and({ tenant_id, agent_id, subject }))
        .execute();
      const message = create(AgentUnsharedSchema, { agentId: current.id, subject });
      await record(row, { schema: AgentUnsharedSchema, message });
      return true;
    },
  };
}

async function requireRoom(
  trx: Transaction<Tables>,
  principal: Principal,
  { id, limit }: { readonly id: string; readonly limit: number },
): Promise<void> {
  const query = sharesOf(trx, principal, id).select(({ fn }) => fn.countAll<bigint>().as("shares"));
  const { shares } = await query.executeTakeFirstOrThrow();
  if (Number(shares) >= limit) throw errors.sharesExhausted({ id, limit });
}

function sharesOf(db: Kysely<Tables>, { tenant }: Principal, id: string) {
  return db.selectFrom("agent_shares").where("tenant_id", "=", tenant).where("agent_id", "=", id);
}
