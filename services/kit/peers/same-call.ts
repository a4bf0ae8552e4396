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

/** Header that names the decision behind an answer or a refusal. */
export const decisionHeader = "x-decision-id";

/** Lets the caller's client know which decision stands behind a stream that has begun. */
export function tellDecision(answered: Headers, caller: Caller): void {
  const id = answered.get(decisionHeader);
  if (id !== null) caller.responseHeader?.set(decisionHeader, id);
}

/** Lets the caller's client know that the answer is that of an earlier call. */
export function tellReplay(answered: Headers, caller: Caller): void {
  const mark = answered.get(replayedHeader);
  if (mark !== null) caller.responseHeader?.set(replayedHeader, mark);
}
