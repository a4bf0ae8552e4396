import { createHash } from "node:crypto";
import { errors } from "./errors.js";

/** The state of an object that an etag stands for. */
export interface AgentState {
  readonly id: string;
  /** Counted from 1, one more with each change. */
  readonly version: bigint;
}

/** The opaque etag (AIP-154) of a state: 16 characters of base64url. */
export function etagOf({ id, version }: AgentState): string {
  return createHash("sha256").update(`${id}/${version}`).digest().subarray(0, 12).toString("base64url");
}

/** Throws ETAG_MISMATCH when the caller means another state; an empty etag means any. */
export function requireEtag(state: AgentState, etag: string): void {
  if (etag !== "" && etag !== etagOf(state)) throw errors.etagMismatch({ id: state.id });
}
