import { Code, ConnectError } from "@connectrpc/connect";
import { errorFacts } from "../errors.js";

// A connection that ends takes its streams along: they are reset, cancelled or
// destroyed, depending on where the call stood.
const lostCodes: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Aborted, Code.Canceled]);

const unsentCauses: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
]);

const passing: ReadonlySet<string> = new Set(["OVERLOADED", "SHUTTING_DOWN"]);

/** Whether a call ended without an answer, because there was no connection or it ended. `signal` is the caller's. */
export function isLost(error: unknown, signal?: AbortSignal): boolean {
  if (!(error instanceof ConnectError) || signal?.aborted || errorFacts(error)) return false;
  return lostCodes.has(error.code) || isUnsent(error);
}

/** Whether the peer cannot have begun with the call, so that even one with effects may go to another replica. */
export function isUnsent(error: unknown): boolean {
  if (!(error instanceof ConnectError) || errorFacts(error)) return false;
  // What came behind the last stream that a closing connection takes (RFC 9113, section 6.8).
  if (error.rawMessage.includes("REFUSED_STREAM")) return true;
  return causes(error).some(({ code }) => unsentCauses.has(code));
}

/** Whether nothing came from the peer, not even that it takes too long. */
export function isSilence(error: unknown, signal: AbortSignal): boolean {
  const reason = signal.aborted ? signal.reason : error;
  if (reason instanceof ConnectError && reason.code === Code.DeadlineExceeded) {
    return signal.aborted || !errorFacts(reason);
  }
  return isLost(error, signal);
}

/** Whether the peer answered that another, or itself in a moment, would do. */
export function isPassing(error: unknown): boolean {
  const facts = error instanceof ConnectError ? errorFacts(error) : undefined;
  return facts !== undefined && passing.has(facts.reason);
}

function causes(error: Error): readonly { readonly code?: unknown }[] {
  const chain: Error[] = [];
  for (let at: unknown = error.cause; at instanceof Error && !chain.includes(at); at = at.cause)
    chain.push(at);
  return chain as { code?: unknown }[];
}
