import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Clock } from "../clock.js";
import { withoutSecrets } from "../contract/without-secrets.js";
import { errors, withRetryInfo } from "../errors.js";
import { newId } from "../ids.js";
import { digestOf, type IdempotencyTables, idOf, type KeyedRequest, type KeyId } from "./records.js";

/** A call that takes long, and must have its effect once. */
export interface ReservedCall<Request extends DescMessage, Kept extends DescMessage>
  extends KeyedRequest<Request> {
  readonly key: string;
  /** What is kept of the result, enough to tell it again. */
  readonly kept: Kept;
  /** How long nobody else may take the call over, in milliseconds: longer than it may take. */
  readonly holdMs: number;
  readonly clock: Clock;
}

/** Keeps the result in the transaction of the effect, which happens once so. */
export type Keep<Tables, Kept extends DescMessage> = (
  trx: Transaction<Tables>,
  kept: MessageShape<Kept>,
) => Promise<void>;

/** How a call is made, and how its earlier result is told again. */
export interface ReservedWork<Tables, Kept extends DescMessage, R> {
  /** Has its effect in a transaction that calls `keep`, and no effect before. */
  make(keep: Keep<Tables, Kept>): Promise<R>;
  recall(kept: MessageShape<Kept>): Promise<R>;
}

const retryMs = 1_000;

/**
 * As `idempotent`, but no transaction is open while the call is made, since it
 * waits for others such as a provider. The key is reserved first, in the
 * database and until `holdMs` from now by its clock. The same call meanwhile is
 * refused with IDEMPOTENCY_KEY_IN_USE and the time to come back. A failed call
 * gives the key free at once; one whose process was killed, when the time has
 * passed: whoever takes it over then alone can keep a result, and have an effect.
 */
export async function reserved<Tables, Request extends DescMessage, Kept extends DescMessage, R>(
  db: Kysely<Tables>,
  call: ReservedCall<Request, Kept>,
  { make, recall }: ReservedWork<Tables, Kept, R>,
): Promise<R> {
  const keys = db as unknown as Kysely<IdempotencyTables>;
  const id = idOf(call, call.key);
  const holder = newId();
  const digest = digestOf(call);
  if (!(await reserve(keys, id, { holder, digest, call }))) {
    return recall(fromBinary(call.kept, await keptFor(keys, id, digest)));
  }
  try {
    return await make((trx, message) => {
      const response = toBinary(call.kept, withoutSecrets(call.kept, message));
      return keep(trx as unknown as Transaction<IdempotencyTables>, { ...id, holder }, response);
    });
  } catch (error) {
    // Else it is free when its time has passed.
    await giveFree(keys, { ...id, holder }).catch(() => undefined);
    throw error;
  }
}

type HeldId = KeyId & { readonly holder: string };

async function reserve(
  keys: Kysely<IdempotencyTables>,
  id: KeyId,
  {
    holder,
    digest,
    call: { holdMs, clock },
  }: { holder: string; digest: Uint8Array; call: ReservedCall<DescMessage, DescMessage> },
): Promise<boolean> {
  const end = sql<Date>`now() + ${holdMs} * interval '1 millisecond'`;
  const created = new Date(clock.now());
  const row = {
    ...id,
    request_digest: digest,
    response: null,
    create_time: created,
    holder,
    held_until: end,
  };
  const taken = await keys
    .insertInto("idempotency_keys")
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(["tenant_id", "principal", "method", "key"])
        .doUpdateSet({ holder, held_until: end })
        .where("idempotency_keys.response", "is", null)
        .where("idempotency_keys.request_digest", "=", digest)
        .where("idempotency_keys.held_until", "<", sql<Date>`now()`),
    )
    .returning("key")
    .executeTakeFirst();
  return taken !== undefined;
}

async function keptFor(keys: Kysely<IdempotencyTables>, id: KeyId, digest: Uint8Array): Promise<Uint8Array> {
  const row = await keys
    .selectFrom("idempotency_keys")
    .select(["request_digest", "response"])
    .where((where) => where.and(id))
    .executeTakeFirst();
  if (row && Buffer.compare(row.request_digest, digest) !== 0) throw errors.idempotencyKeyReused();
  // Without a row the first call has just failed, which the next attempt finds out.
  if (!row?.response) throw inUse();
  return row.response;
}

async function keep(trx: Kysely<IdempotencyTables>, id: HeldId, response: Uint8Array): Promise<void> {
  const { numUpdatedRows } = await trx
    .updateTable("idempotency_keys")
    .set({ response, holder: null, held_until: null })
    .where((row) => row.and(id))
    .executeTakeFirstOrThrow();
  // Somebody took the call over: what would be a second effect is rolled back.
  if (numUpdatedRows !== 1n) throw inUse();
}

async function giveFree(keys: Kysely<IdempotencyTables>, id: HeldId): Promise<void> {
  await keys
    .deleteFrom("idempotency_keys")
    .where((row) => row.and(id))
    .execute();
}

function inUse(): ConnectError {
  return withRetryInfo(errors.idempotencyKeyInUse(), retryMs);
}
