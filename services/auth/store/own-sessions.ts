import type { Kysely } from "kysely";
import { SessionEnd } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import type { Clock } from "../../kit/clock.js";
import type { Call, Principal } from "../../kit/context.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { Page } from "../../kit/page-token.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import type { AuthTables } from "../store.js";
import { endSessions } from "./end-sessions.js";

/** A session that goes on, as its owner may know it. */
export interface OwnSession {
  readonly id: string;
  readonly createTime: Date;
  readonly lastUsedTime: Date;
  readonly expireTime: Date;
  /** Empty when unknown, as is the program. */
  readonly network: string;
  readonly userAgent: string;
}

/** Sessions in the hands of their owner. */
export interface OwnSessions {
  /** Those that go on, newest first. */
  list(principal: Principal, query: Page): Promise<OwnSession[]>;
  /** Ends one of them; false when there is none of that id. */
  end(principal: Principal, session: string, call: Call): Promise<boolean>;
  /** Ends all but the principal's; returns how many. */
  endOthers(principal: Principal, call: Call): Promise<number>;
}

export function ownSessions({
  db,
  clock,
}: {
  db: Kysely<AuthTables & OutboxTables>;
  clock: Clock;
}): OwnSessions {
  const change = ({ home: tenant, subject: user }: Principal, call: Call) => ({ tenant, user, call, clock });
  const end = SessionEnd.OWNER;
  return {
    async list({ home, subject }, { after, limit }) {
      let query = db
        .selectFrom("sessions")
        .selectAll()
        .where("tenant_id", "=", home)
        .where("user_id", "=", subject)
        .where("end_time", "is", null)
        .where("expire_time", ">", new Date(clock.now()));
      if (after !== undefined) query = query.where("id", "<", after);
      const rows = await query.orderBy("id", "desc").limit(limit).execute();
      return rows.map((row) => ({
        id: row.id,
        createTime: row.create_time,
        lastUsedTime: row.last_used_time ?? row.create_time,
        expireTime: row.expire_time,
        network: row.network,
        userAgent: row.user_agent,
      }));
    },
    end: (principal, session, call) =>
      transaction(db, async (trx) => {
        const ended = await endSessions(trx, change(principal, call), "", { end, only: session });
        return ended > 0;
      }),
    endOthers: (principal, call) =>
      transaction(db, (trx) => endSessions(trx, change(principal, call), principal.session, { end })),
  };
}
