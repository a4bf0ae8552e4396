import type { Kysely, Transaction } from "kysely";
import type { Call, Principal } from "../../kit/context.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { Account } from "../domain/account.js";
import type { PresentedToken } from "../domain/refresh.js";
import { shownNetwork } from "../domain/shown-network.js";
import type { AuthTables } from "../store.js";
import { toAccount } from "./accounts.js";
import { roleTableOf } from "./role-tables.js";

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** A session after a change of it. */
export interface SessionChange {
  readonly session: string;
  readonly user: string;
  readonly tenant: string;
  /** Its version after the change. */
  readonly version: bigint;
}

/** A refresh token as stored. */
export interface StoredToken {
  readonly hash: Uint8Array;
  readonly expireTime: Date;
  /** When the access token expires that is given out with it. */
  readonly accessExpireTime: Date;
}

/** A stored refresh token with its session and account. */
export interface FoundToken extends PresentedToken {
  readonly session: string;
  readonly account: Account;
  /** When its successor expires; undefined when it has none that is unused. */
  readonly successorExpireTime: Date | undefined;
}

/** Notes the sign-in of an account; false when it has been disabled. */
export async function noteLogin(trx: Trx, account: Account, now: Date): Promise<boolean> {
  const update = trx.updateTable("users").set({ last_login_time: now }).where("id", "=", account.id);
  const noted = update.where("tenant_id", "=", account.tenant).where("active", "=", true);
  return (await noted.returning("id").executeTakeFirst()) !== undefined;
}

/** Drops the sessions of an account that nobody can continue. */
export async function dropExpiredSessions(trx: Trx, account: Account, now: Date): Promise<void> {
  const expired = trx.deleteFrom("sessions").where("user_id", "=", account.id).where("expire_time", "<", now);
  await expired.execute();
}

/** When, from where and by which program a session was used. */
export interface SessionUse {
  readonly last_used_time: Date;
  readonly network: string;
  readonly user_agent: string;
}

/** What a call says of that. */
export function useOf({ client }: Pick<Call, "client">, now: Date): SessionUse {
  return {
    last_used_time: now,
    network: shownNetwork(client?.address ?? ""),
    user_agent: client?.agent ?? "",
  };
}

/** What ends a session, or goes on with it. */
export type SessionAdvance =
  | { readonly end_time: Date }
  | (SessionUse & { readonly expire_time: Date; readonly access_expire_time: Date });

/** Adds a session with its first refresh token. */
export async function addSession(
  trx: Trx,
  change: SessionChange,
  token: StoredToken,
  use: SessionUse,
): Promise<void> {
  const { session: id, user: user_id, tenant: tenant_id, version } = change;
  const row = {
    id,
    user_id,
    tenant_id,
    version,
    create_time: use.last_used_time,
    expire_time: token.expireTime,
    access_expire_time: token.accessExpireTime,
    ...use,
    end_time: null,
  };
  await trx.insertInto("sessions").values(row).execute();
  await addToken(trx, id, token);
}

/** Changes a session that goes on; undefined when it has ended. */
export async function advanceSession(
  trx: Trx,
  session: string,
  change: SessionAdvance,
): Promise<SessionChange | undefined> {
  const update = trx
    .updateTable("sessions")
    .set((row) => ({ ...change, version: row("version", "+", 1n) }))
    .where("id", "=", session)
    .where("end_time", "is", null);
  const row = await update.returning(["user_id", "tenant_id", "version"]).executeTakeFirst();
  return row && { session, user: row.user_id, tenant: row.tenant_id, version: row.version };
}

/** Adds a refresh token of a session. */
export async function addToken(trx: Trx, session: string, token: StoredToken): Promise<void> {
  const row = { hash: token.hash, session_id: session, expire_time: token.expireTime, used_time: null };
  await trx.insertInto("refresh_tokens").values(row).execute();
}

/** Drops what a session has of expired refresh tokens. */
export async function dropExpiredTokens(trx: Trx, session: string, now: Date): Promise<void> {
  const expired = trx
    .deleteFrom("refresh_tokens")
    .where("session_id", "=", session)
    .where("expire_time", "<", now);
  await expired.execute();
}

/** Whether a refresh token is there and was never used; undefined when not, else when it expires. */
export async function unusedUntil(trx: Trx, hash: Uint8Array): Promise<Date | undefined> {
  const query = trx.selectFrom("refresh_tokens").select("expire_time").where("hash", "=", hash);
  return (await query.where("used_time", "is", null).executeTakeFirst())?.expire_time;
}

/** The refresh token of a hash, and what is known of its successor. */
export async function findToken(
  trx: Trx,
  hash: Uint8Array,
  successor: Uint8Array,
): Promise<FoundToken | undefined> {
  const row = await trx
    .selectFrom("refresh_tokens")
    .innerJoin("sessions", "sessions.id", "refresh_tokens.session_id")
    .innerJoin("users", "users.id", "sessions.user_id")
    .innerJoin("tenants", "tenants.id", "users.tenant_id")
    .selectAll("users")
    .select(["tenants.active as tenant_active", roleTableOf("users.tenant_id")])
    .select(["session_id", "end_time", "used_time", "refresh_tokens.expire_time as token_expire_time"])
    .where("hash", "=", hash)
    .executeTakeFirst();
  if (!row) return undefined;
  const successorExpireTime = row.used_time ? await unusedUntil(trx, successor) : undefined;
  return {
    session: row.session_id,
    successorUnused: successorExpireTime !== undefined,
    successorExpireTime,
    sessionEnded: row.end_time !== null,
    usedTime: row.used_time ?? undefined,
    expireTime: row.token_expire_time,
    account: toAccount(row),
  };
}

/** Marks a refresh token as used; false when somebody was faster. */
export async function claimToken(trx: Trx, hash: Uint8Array, now: Date): Promise<boolean> {
  const unused = trx.updateTable("refresh_tokens").set({ used_time: now }).where("used_time", "is", null);
  return (await unused.where("hash", "=", hash).returning("hash").executeTakeFirst()) !== undefined;
}

/** Whether the principal's session goes on, its account is active, and may do what it could. */
export async function ownsLiveSession(db: Kysely<Tables>, principal: Principal): Promise<boolean> {
  if (principal.kind !== "user") return false;
  const query = db
    .selectFrom("sessions")
    .innerJoin("users", "users.id", "sessions.user_id")
    .innerJoin("tenants", "tenants.id", "sessions.tenant_id")
    .select("sessions.id")
    .where("sessions.tenant_id", "=", principal.home)
    .where("tenants.active", "=", true)
    .where("sessions.id", "=", principal.session)
    .where("user_id", "=", principal.subject)
    .where("end_time", "is", null)
    .where("users.active", "=", true)
    .where("users.epoch", "<=", principal.epoch);
  return (await query.executeTakeFirst()) !== undefined;
}
