import { create, type DescMethodUnary, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../clock.js";
import { callOf, principalOf } from "../context.js";
import { methodName } from "../contract/method.js";
import { idempotent } from "./idempotent.js";
import { replayedHeader } from "./key.js";

/** A call as its handler has it. */
export interface HandledCall<M extends DescMethodUnary> {
  readonly method: M;
  readonly request: MessageShape<M["input"]>;
  readonly context: HandlerContext;
}

/** Whose call it is, of which method, with which request. */
export function keyedRequest<M extends DescMethodUnary>({ method, request, context }: HandledCall<M>) {
  const schema: M["input"] = method.input;
  return {
    principal: principalOf(context),
    method: methodName(method),
    request: { schema, message: request },
  };
}

/**
 * Has the effect of a call once for its key: in one transaction with the
 * response, which is answered again, without its secrets and marked as such. See
 * `idempotent`.
 */
export async function once<Tables, M extends DescMethodUnary>(
  db: Kysely<Tables>,
  { clock, ...call }: HandledCall<M> & { readonly clock: Clock },
  work: (trx: Transaction<Tables>) => Promise<MessageInitShape<M["output"]>>,
): Promise<MessageShape<M["output"]>> {
  const { method, context } = call;
  const key = callOf(context).idempotencyKey?.value;
  const keyed = { ...keyedRequest(call), key, response: method.output, clock };
  const { message, replayed } = await idempotent(db, keyed, async (trx) =>
    create(method.output, await work(trx)),
  );
  if (replayed) context.responseHeader.set(replayedHeader, "true");
  return message as MessageShape<M["output"]>;
}

/** Marks what `tell` answers, or the error it throws, as the outcome of an earlier call. */
export function replaying<R>({ responseHeader }: HandlerContext, tell: () => R): R {
  responseHeader.set(replayedHeader, "true");
  try {
    return tell();
  } catch (error) {
    if (error instanceof ConnectError) error.metadata.set(replayedHeader, "true");
    throw error;
  }
}
