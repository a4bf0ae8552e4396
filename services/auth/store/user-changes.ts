import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { Transaction, Updateable } from "kysely";
import type { Clock } from "../../kit/clock.js";
import type { Call } from "../../kit/context.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { AuthTables } from "../store.js";

type Trx = Transaction<AuthTables & OutboxTables>;

/** The account that a change is of, and how it comes about. */
export interface UserChange {
  readonly tenant: string;
  readonly user: string;
  readonly call: Pick<Call, "requestId" | "principal">;
  readonly clock: Clock;
  /** The hash that the account must still have, when another depends on it. */
  readonly formerHash?: string;
}

/** Changes an account and records it; false, and nothing, when there is no such account. */
export async function changeUser<D extends DescMessage>(
  trx: Trx,
  { tenant, user, call, clock, formerHash }: UserChange,
  columns: Pick<Updateable<AuthTables["users"]>, "password_hash" | "email">,
  event: { readonly schema: D; readonly message: MessageInitShape<D> },
): Promise<boolean> {
  let update = trx
    .updateTable("users")
    .set((row) => ({ ...columns, version: row("version", "+", 1n), update_time: new Date(clock.now()) }))
    .where("tenant_id", "=", tenant)
    .where("id", "=", user);
  if (formerHash !== undefined) update = update.where("password_hash", "=", formerHash);
  const changed = await update.returning("version").executeTakeFirst();
  if (!changed) return false;
  await recordEvent(trx, {
    call,
    clock,
    tenant,
    // Who signs in, registers or resets has no principal yet.
    actor: call.principal?.subject ?? user,
    aggregate: { type: "user", id: user, version: changed.version },
    payload: { schema: event.schema, message: create(event.schema, event.message) },
  });
  return true;
}
