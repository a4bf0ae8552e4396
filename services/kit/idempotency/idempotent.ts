import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../clock.js";
import { withoutSecrets } from "../contract/without-secrets.js";
import { errors } from "../errors.js";
import { transaction, withNext } from "../stores/database/kysely.js";
import { digestOf, type IdempotencyTables, idOf, type KeyedRequest, type KeyId } from "./records.js";

/** A call that must have its effect once, however often it comes. */
export interface IdempotentCall<Request extends DescMessage, Response extends DescMessage>
  extends KeyedRequest<Request> {
  /** The client's key; undefined when it gave none, and the call is no different from others. */
  readonly key: string | undefined;
  readonly response: Response;
  readonly clock: Clock;
}

/** The response, and whether it is that of an earlier call. */
export interface IdempotentResult<Response extends DescMessage> {
  readonly message: MessageShape<Response>;
  readonly replayed: boolean;
}

/**
 * Runs `work` in a transaction that keeps its response under the call's key
 * (AIP-155), so that effect and response are kept together or not at all: a
 * failed call leaves the key free. The same call again gets the kept response,
 * and waits for the first where that is still running. Secrets are not kept: what
 * the contract has as RESTRICTED is in the first response alone. Rejects with
 * IDEMPOTENCY_KEY_REUSED when the key came with another request before.
 */
export function idempotent<Tables, Request extends DescMessage, Response extends DescMessage>(
  db: Kysely<Tables>,
  call: IdempotentCall<Request, Response>,
  work: (trx: Transaction<Tables>) => Promise<MessageShape<Response>>,
): Promise<IdempotentResult<Response>> {
  const { key } = call;
  return transaction(db, async (trx) => {
    if (key === undefined) return { message: await work(trx), replayed: false };
    const keys = trx as unknown as Transaction<IdempotencyTables>;
    const id = idOf(call, key);
    const digest = digestOf(call);
    if (!(await claim(keys, { ...id, request_digest: digest, create_time: new Date(call.clock.now()) }))) {
      return { message: await earlier(keys, id, digest, call.response), replayed: true };
    }
    const message = await work(trx);
    const response = toBinary(call.response, withoutSecrets(call.response, message));
    await keys
      .updateTable("idempotency_keys")
      .set({ response })
      .where((row) => row.and(id))
      .modifyEnd(withNext)
      .execute();
    return { message, replayed: false };
  });
}

/** Takes the key; waits for another that is taking it, and resolves to false when that has succeeded. */
async function claim(
  keys: Kysely<IdempotencyTables>,
  row: KeyId & { request_digest: Uint8Array; create_time: Date },
): Promise<boolean> {
  const taken = await keys
    .insertInto("idempotency_keys")
    .values({ ...row, response: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning("key")
    .executeTakeFirst();
  return taken !== undefined;
}

async function earlier<Response extends DescMessage>(
  keys: Kysely<IdempotencyTables>,
  id: KeyId,
  digest: Uint8Array,
  schema: Response,
): Promise<MessageShape<Response>> {
  const row = await keys
    .selectFrom("idempotency_keys")
    .select(["request_digest", "response"])
    .where((where) => where.and(id))
    .executeTakeFirstOrThrow();
  if (!row.response || Buffer.compare(row.request_digest, digest) !== 0) throw errors.idempotencyKeyReused();
  return fromBinary(schema, row.response);
}
