import type { DescMethod } from "@bufbuild/protobuf";
import { type Caller, callOf } from "../context.js";
import { methodName } from "../contract/method.js";
import { type IdempotencyKey, replayedHeader } from "../idempotency/key.js";

/**
 * The idempotency key that goes along with a call of `method`: the caller's own,
 * where the caller passes on the very call that it serves. What a handler calls
 * besides is another call.
 */
export function keyAlong(caller: Caller, method: DescMethod): IdempotencyKey | undefined {
  const { idempotencyKey } = callOf(caller);
  return idempotencyKey?.method === methodName(method) ? idempotencyKey : undefined;
}

/** Lets the caller's client know that the answer is that of an earlier call. */
export function tellReplay(answered: Headers, caller: Caller): void {
  const mark = answered.get(replayedHeader);
  if (mark !== null) caller.responseHeader?.set(replayedHeader, mark);
}
