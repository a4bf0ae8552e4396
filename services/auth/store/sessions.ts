import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { Kysely, Transaction } from "kysely";
import {
  SessionEnd,
  SessionEndedSchema,
  SessionRefreshedSchema,
  SessionStartedSchema,
} from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call, Principal } from "../../kit/context.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { Account } from "../domain/account.js";
import { judgeRefresh, type RefreshRefusal } from "../domain/refresh.js";
import type { AuthTables } from "../store.js";
import { revocations } from "./revocations.js";
import {
  addSession,
  addToken,
  advanceSession,
  claimToken,
  dropExpiredSessions,
  dropExpiredTokens,
  findToken,
  noteLogin,
  ownsLiveSession,
  type SessionChange,
  type StoredToken,
  useOf,
} from "./session-rows.js";

/** What became of a refresh. */
export type Rotation =
  | {
      readonly outcome: "rotated";
      readonly session: string;
      readonly account: Account;
      /** When the next token expires. */
      readonly expireTime: Date;
    }
  | { readonly outcome: RefreshRefusal };

/** Sessions, each of which is the family of its refresh tokens. */
export interface SessionStore {
  /**
   * Starts a session of an account and does what belongs to that; false, and
   * nothing, when the account has been disabled.
   */
  start(account: Account, session: string, token: StoredToken, call: Call, settle?: Settle): Promise<boolean>;
  /**
   * Replaces the presented refresh token (by hash) with the next one, which must
   * be the same for the same presented one. Of two callers with one token, one
   * replaces it; the other gets the same next one within some seconds, unless
   * that has been used, and ends the session otherwise.
   */
  rotate(presented: Uint8Array, next: StoredToken, call: Call): Promise<Rotation>;
  /** Ends the principal's session; nothing when it has ended. */
  end(principal: Principal, call: Call): Promise<void>;
  /** Whether the principal's session goes on and its account is active. Machines have no session. */
  isLive(principal: Principal): Promise<boolean>;
}

type Tables = AuthTables & OutboxTables;
type Trx = Transaction<Tables>;

/** What belongs to a change, by SQL on its transaction alone; one that throws undoes the change. */
export type Settle = (trx: Trx) => Promise<void>;

export function sessionStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): SessionStore {
  const now = () => new Date(clock.now());

  const record = <D extends DescMessage>(
    trx: Trx,
    call: Call,
    { session: id, user: actor, tenant, version }: SessionChange,
    schema: D,
    message: MessageInitShape<D>,
  ) => {
    const payload = { schema, message: create(schema, message) };
    return recordEvent(trx, {
      call,
      clock,
      tenant,
      actor,
      aggregate: { type: "session", id, version },
      payload,
    });
  };

  const endSession = async (trx: Trx, sessionId: string, end: SessionEnd, call: Call): Promise<boolean> => {
    const change = await advanceSession(trx, sessionId, { end_time: now() });
    if (!change) return false;
    await revocations(trx, clock).session(change.tenant, sessionId);
    await record(trx, call, change, SessionEndedSchema, { sessionId, end });
    return true;
  };

  const continueSession = async (
    trx: Trx,
    sessionId: string,
    next: StoredToken,
    call: Call,
  ): Promise<boolean> => {
    const change = await advanceSession(trx, sessionId, {
      expire_time: next.expireTime,
      access_expire_time: next.accessExpireTime,
      ...useOf(call, now()),
    });
    if (!change) return false;
    await dropExpiredTokens(trx, sessionId, now());
    await addToken(trx, sessionId, next);
    await record(trx, call, change, SessionRefreshedSchema, { sessionId });
    return true;
  };

  const endReused = async (trx: Trx, session: string, call: Call): Promise<Rotation> => {
    const ended = await endSession(trx, session, SessionEnd.TOKEN_REUSED, call);
    return { outcome: ended ? "reused" : "invalid" };
  };

  return {
    start: (account, session, token, call, settle) =>
      transaction(db, async (trx) => {
        if (!(await noteLogin(trx, account, now()))) return false;
        await settle?.(trx);
        await dropExpiredSessions(trx, account, now());
        const change = { session, user: account.id, tenant: account.tenant, version: 1n };
        await addSession(trx, change, token, useOf(call, now()));
        await record(trx, call, change, SessionStartedSchema, { sessionId: session, userId: account.id });
        return true;
      }),

    rotate: (presented, next, call) =>
      transaction(db, async (trx): Promise<Rotation> => {
        const find = async () => judgeRefresh(await findToken(trx, presented, next.hash), clock.now());
        let judgement = await find();
        const mayRotate = judgement.outcome === "rotate";
        // Who was faster has committed by now, and left a successor.
        if (mayRotate && !(await claimToken(trx, presented, now()))) judgement = await find();
        if (!("token" in judgement)) return judgement;
        const { session, account, successorExpireTime } = judgement.token;
        if (judgement.outcome === "repeat" && successorExpireTime) {
          return { outcome: "rotated", session, account, expireTime: successorExpireTime };
        }
        if (judgement.outcome !== "rotate") return endReused(trx, session, call);
        const continued = await continueSession(trx, session, next, call);
        if (!continued) return { outcome: "invalid" };
        return { outcome: "rotated", session, account, expireTime: next.expireTime };
      }),

    end: (principal, call) =>
      transaction(db, async (trx) => {
        if (await ownsLiveSession(trx, principal)) {
          await endSession(trx, principal.session, SessionEnd.LOGOUT, call);
        }
      }),

    isLive: (principal) => ownsLiveSession(db, principal),
  };
}
