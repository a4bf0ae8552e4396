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
  if (idempotencyKey === undefined) return undefined;
  return idempotencyKey.method === methodName(method) ? idempotencyKey : undefined;
}

/** Header that names the decision behind an answer or a refusal. */
export const decisionHeader = "x-decision-id";

/** Header that tells how to save what comes (RFC 6266). */
export const fileHeader = "content-disposition";

/** Lets the caller's client know of a stream that has begun which decision stands behind it, and how to save it. */
export function tellOfStream(answered: Headers, caller: Caller): void {
  for (const name of [decisionHeader, fileHeader]) {
    const value = answered.get(name);
    if (value !== null) caller.responseHeader?.set(name, value);
  }
}

/** Lets the caller's client know that the answer is that of an earlier call. */
export function tellReplay(answered: Headers, caller: Caller): void {
  const mark = answered.get(replayedHeader);
  if (mark !== null) caller.responseHeader?.set(replayedHeader, mark);
}
