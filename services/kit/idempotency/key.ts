import type { DescMethod } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { errors } from "../errors.js";

/** Header in which a client names a call, so that the same call again has no second effect. */
export const idempotencyHeader = "idempotency-key";
/** Header that marks an answer as that of an earlier call with the key; its value is `true`. */
export const replayedHeader = "idempotent-replayed";
/** Characters that a key may have. */
export const longestKey = 255;
/** How long a result is kept under its key, in hours. */
export const keptHours = 24;

/** A client's key for a call of one method; other calls on the way do not carry it. */
export interface IdempotencyKey {
  /** Full name of the method. */
  readonly method: string;
  readonly value: string;
}

/**
 * What a key does for a method. `ignored`: a second call has no effect anyway, so
 * the promise holds without a key. `kept`: the result is kept with the effect.
 * `refused`: nobody is signed in to whom a key would belong, and what is answered
 * are credentials, or a stream; keeping silent would let the client trust in
 * what is not there.
 */
export type KeyUse = "ignored" | "kept" | "refused";

/** What a key does for a method of this access. */
export function keyUse(method: DescMethod, access: "public" | "signed-in" | "permission"): KeyUse {
  if (method.idempotency !== MethodOptions_IdempotencyLevel.IDEMPOTENCY_UNKNOWN) return "ignored";
  return method.methodKind === "unary" && access !== "public" ? "kept" : "refused";
}

/** The key as it came. Throws IDEMPOTENCY_KEY_INVALID unless it is 1 to 255 visible ASCII characters. */
export function checkedKey(value: string): string {
  if (value === "") throw errors.idempotencyKeyInvalid({ problem: "it is empty" });
  if (value.length > longestKey) {
    const problem = `it has ${value.length} characters, and may have ${longestKey}`;
    throw errors.idempotencyKeyInvalid({ problem });
  }
  const odd = [...value].findIndex((character) => character <= " " || character > "~");
  if (odd >= 0) {
    const problem = `its character ${odd + 1} is no visible ASCII character`;
    throw errors.idempotencyKeyInvalid({ problem });
  }
  return value;
}
