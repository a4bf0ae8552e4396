import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { HttpBody } from "#gen/ts/google/api/httpbody_pb.js";
import { errors } from "../../kit/errors.js";
import { permissionNames } from "./grants.js";

const formType = "application/x-www-form-urlencoded";
const supported = "client_credentials";
const longestForm = 4096;

/** What a form asks of the token endpoint. */
export interface TokenForm {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Empty for all that the client may do. */
  readonly scopes: readonly Permission[];
}

/**
 * Reads a form of RFC 6749, section 4.4.2, with the client in it (section 2.3.1).
 * Parameters that we do not know are ignored, as section 3.2 has it; one that
 * comes twice is refused. Throws MEDIA_TYPE_UNSUPPORTED, BODY_MALFORMED,
 * GRANT_TYPE_UNSUPPORTED, CLIENT_CREDENTIALS_INVALID or GRANT_EXCEEDED.
 */
export function readTokenForm({ contentType, data }: HttpBody): TokenForm {
  const [type = ""] = contentType.toLowerCase().split(";");
  if (type.trim() !== formType)
    throw errors.mediaTypeUnsupported({ media_type: contentType || "none", expected: formType });
  if (data.length > longestForm)
    throw errors.bodyMalformed({ problem: `it has more than ${longestForm} bytes` });
  const parameters = new URLSearchParams(Buffer.from(data).toString("utf8"));
  const one = (name: string): string => {
    const values = parameters.getAll(name);
    if (values.length > 1) throw errors.bodyMalformed({ problem: `${name} is given twice` });
    return values[0] ?? "";
  };
  const grant = one("grant_type");
  if (grant === "") throw errors.bodyMalformed({ problem: "grant_type is missing" });
  if (grant !== supported) throw errors.grantTypeUnsupported({ supported });
  const [clientId, clientSecret] = [one("client_id"), one("client_secret")];
  if (clientId === "" || clientSecret === "") throw errors.clientCredentialsInvalid();
  return { clientId, clientSecret, scopes: readScope(one("scope")) };
}

/** Permissions by name, separated by spaces. */
function readScope(scope: string): Permission[] {
  const names = new Set(scope.split(" ").filter((name) => name !== ""));
  return [...names].map((name) => {
    const permission = permissionNames.valueOf(name);
    if (permission === undefined) throw errors.grantExceeded({ grant: "An unknown scope" });
    return permission;
  });
}
