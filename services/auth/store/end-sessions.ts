import { create } from "@bufbuild/protobuf";
import type { Transaction } from "kysely";
import { SessionEnd, SessionEndedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { AuthTables } from "../store.js";
import { revocations } from "./revocations.js";
import type { UserChange } from "./user-changes.js";

/** Which sessions end, and why. */
interface Ending {
  readonly end?: SessionEnd;
  /** One alone; all unless given. */
  readonly only?: string;
}

/**
 * Ends sessions of an account, all or all but one, as its password or second
 * factor changes or for another reason. Returns how many.
 */
export async function endSessions(
  trx: Transaction<AuthTables & OutboxTables>,
  { tenant, user, call, clock }: UserChange,
  except = "",
  { end = SessionEnd.CREDENTIALS_CHANGED, only = "" }: Ending = {},
): Promise<number> {
  let update = trx
    .updateTable("sessions")
    .set((row) => ({ end_time: new Date(clock.now()), version: row("version", "+", 1n) }))
    .where("tenant_id", "=", tenant)
    .where("user_id", "=", user)
    .where("end_time", "is", null);
  if (except !== "") update = update.where("id", "!=", except);
  if (only !== "") update = update.where("id", "=", only);
  const ended = await update.returning(["id", "version"]).execute();
  for (const { id, version } of ended) {
    await revocations(trx, clock).session(tenant, id);
    const message = create(SessionEndedSchema, { sessionId: id, end });
    await recordEvent(trx, {
      call,
      clock,
      tenant,
      actor: call.principal?.subject ?? user,
      aggregate: { type: "session", id, version },
      payload: { schema: SessionEndedSchema, message },
    });
  }
  return ended.length;
}
