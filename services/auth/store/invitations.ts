import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Kysely, Selectable, Transaction } from "kysely";
import { type Invitation, InvitationSchema } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import {
  InvitationAcceptedSchema,
  InvitationCreatedSchema,
  InvitationRevokedSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { type Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call, Principal } from "../../kit/context.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { roleNames, tierNames } from "../domain/grants.js";
import type { AuthTables } from "../store.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;
type Row = Selectable<AuthTables["invitations"]>;

/** An invitation that is about to be made. */
export interface InvitationDraft {
  readonly email: string;
  readonly roles: readonly Role[];
  readonly tier: Tier;
  readonly expireTime: Date;
  readonly tokenHash: Uint8Array;
}

/** An invitation that somebody may use now. */
export interface OpenInvitation {
  readonly id: string;
  readonly tenant: string;
  /** Empty when it names none. */
  readonly email: string;
  readonly roles: readonly Role[];
  readonly tier: Tier;
}

/** Invitations into tenants. */
export interface InvitationStore {
  /** Makes one into the tenant in which the principal acts. */
  add(trx: Trx, principal: Principal, draft: InvitationDraft, call: Call): Promise<Invitation>;
  /** A page of those of the tenant, newest first. */
  list(principal: Principal, page: { after: string | undefined; limit: number }): Promise<Invitation[]>;
  /** Ends one of the tenant; false, and nothing, when there is none that somebody may use. */
  revoke(trx: Trx, principal: Principal, id: string, call: Call): Promise<boolean>;
  /** The one of a token's hash that somebody may use now. */
  open(tokenHash: Uint8Array): Promise<OpenInvitation | undefined>;
  /** Uses one up for an account; false, and nothing, when somebody was faster. */
  accept(trx: Trx, invitation: OpenInvitation, user: string, call: Call): Promise<boolean>;
}

export function invitationStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): InvitationStore {
  const now = () => new Date(clock.now());
  const eventOf = (
    { id, tenant_id: tenant, version }: Pick<Row, "id" | "tenant_id" | "version">,
    call: Call,
  ) => ({
    call,
    clock,
    tenant,
    aggregate: { type: "invitation", id, version },
  });

  /** Ends one that somebody may use now. */
  const close = (trx: Trx, tenant: string, id: string, change: Partial<Row>) =>
    trx
      .updateTable("invitations")
      .set((row) => ({ ...change, version: row("version", "+", 1n) }))
      .where("tenant_id", "=", tenant)
      .where("id", "=", id)
      .where("accept_time", "is", null)
      .where("revoke_time", "is", null)
      .where("expire_time", ">", now())
      .returning(["id", "tenant_id", "version"])
      .executeTakeFirst();

  return {
    async add(trx, principal, draft, call) {
      const row: Row = { ...toRow(draft), ...ofInviter(principal), create_time: now() };
      await trx.insertInto("invitations").values(row).execute();
      const schema = InvitationCreatedSchema;
      const message = create(schema, { invitationId: row.id, roles: [...draft.roles] });
      await recordEvent(trx, { ...eventOf(row, call), payload: { schema, message } });
      return toInvitation(row);
    },

    async list({ tenant }, { after, limit }) {
      let query = db.selectFrom("invitations").selectAll().where("tenant_id", "=", tenant);
      if (after !== undefined) query = query.where("id", "<", after);
      return (await query.orderBy("id", "desc").limit(limit).execute()).map(toInvitation);
    },

    async revoke(trx, { tenant }, id, call) {
      const closed = await close(trx, tenant, id, { revoke_time: now() });
      if (!closed) return false;
      const schema = InvitationRevokedSchema;
      const message = create(schema, { invitationId: id });
      await recordEvent(trx, { ...eventOf(closed, call), payload: { schema, message } });
      return true;
    },

    async open(tokenHash) {
      const row = await db
        .selectFrom("invitations")
        .innerJoin("tenants", "tenants.id", "invitations.tenant_id")
        .selectAll("invitations")
        .where("tenants.active", "=", true)
        .where("token_hash", "=", tokenHash)
        .where("accept_time", "is", null)
        .where("revoke_time", "is", null)
        .where("expire_time", ">", now())
        .executeTakeFirst();
      return row && toOpen(row);
    },

    async accept(trx, { id, tenant }, user, call) {
      const closed = await close(trx, tenant, id, { accept_time: now() });
      if (!closed) return false;
      const schema = InvitationAcceptedSchema;
      const message = create(schema, { invitationId: id, userId: user });
      await recordEvent(trx, { ...eventOf(closed, call), actor: user, payload: { schema, message } });
      return true;
    },
  };
}

function ofInviter({ tenant, subject }: Principal) {
  return { tenant_id: tenant, inviter_id: subject };
}

function toRow({ email, roles, tier, expireTime, tokenHash }: InvitationDraft) {
  return {
    id: newId(),
    token_hash: tokenHash,
    email: email || null,
    roles: roles.map(roleNames.nameOf),
    tier: tierNames.nameOf(tier),
    version: 1n,
    expire_time: expireTime,
    accept_time: null,
    revoke_time: null,
  };
}

function toOpen({ id, tenant_id: tenant, email, roles, tier }: Row): OpenInvitation {
  return {
    id,
    tenant,
    email: email ?? "",
    roles: roleNames.valuesOf(roles),
    tier: tierNames.valueOf(tier) ?? Tier.BASIC,
  };
}

function toInvitation(row: Row): Invitation {
  const { email, roles, tier } = toOpen(row);
  return create(InvitationSchema, {
    id: row.id,
    email,
    roles: [...roles],
    tier,
    inviterId: row.inviter_id,
    createTime: timestampFromDate(row.create_time),
    expireTime: timestampFromDate(row.expire_time),
    ...(row.accept_time && { acceptTime: timestampFromDate(row.accept_time) }),
    ...(row.revoke_time && { revokeTime: timestampFromDate(row.revoke_time) }),
  });
}
