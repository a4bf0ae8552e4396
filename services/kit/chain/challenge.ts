import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema } from "#gen/ts/google/rpc/error_details_pb.js";
import { errorFacts } from "../errors.js";
import type { Layer } from "./chain.js";
import type { Hooks } from "./hooks.js";

const header = "www-authenticate";

/** Reasons by which the credential itself is refused, and another one may do. */
const credentialRefused: ReadonlySet<string> = new Set([
  "TOKEN_INVALID",
  "TOKEN_EXPIRED",
  "TOKEN_REVOKED",
  "API_KEY_INVALID",
]);

/**
 * Tells callers without a good credential how to get one: `WWW-Authenticate`
 * (RFC 6750, section 3) with the address of the API's metadata (RFC 9728,
 * section 5.1), in every protocol. `origin` is where clients reach the API.
 */
export function challenge(origin: string): Layer {
  const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource"`;
  const hooks: Hooks = {
    failed(error) {
      const problem = error instanceof ConnectError ? problemOf(error) : undefined;
      if (error instanceof ConnectError && problem && !error.metadata.has(header)) {
        error.metadata.set(header, `Bearer ${[...problem, metadata].join(", ")}`);
      }
    },
  };
  return () => hooks;
}

/** What the challenge says of the error; undefined for one that no credential changes. */
function problemOf(error: ConnectError): string[] | undefined {
  const reason = errorFacts(error)?.reason ?? "";
  if (error.code === Code.Unauthenticated) {
    return credentialRefused.has(reason) ? ['error="invalid_token"'] : [];
  }
  if (reason !== "PERMISSION_MISSING") return undefined;
  const scope = error.findDetails(ErrorInfoSchema)[0]?.metadata.permission;
  return ['error="insufficient_scope"', ...(scope ? [`scope="${scope}"`] : [])];
}
