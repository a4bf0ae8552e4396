import { type Role, RoleSchema, type Tier, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../context.js";
import { enumNames } from "../enum-names.js";

/** `iss` of every token that auth signs, unless another is configured. */
export const defaultTokenIssuer = "https://consciousness.ai/auth";

/** `aud` of access tokens. An internal token's is the name of the workload it is for. */
export const accessAudience = "consciousness-api";

/** The two kinds of token that auth signs. */
export type TokenKind = "access" | "internal";

/** The `typ` header of each kind (RFC 9068 for access tokens), so that one never passes for the other. */
export const tokenTypes: Readonly<Record<TokenKind, string>> = {
  access: "at+jwt",
  internal: "internal+jwt",
};

/** Claims that say who the bearer is. Enum values go by name without their prefix: `AGENT_READ`. */
export interface PrincipalClaims {
  readonly sub: string;
  readonly kind: Principal["kind"];
  readonly tenant: string;
  /** Absent where it is the tenant. */
  readonly home_tenant?: string;
  readonly username: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly consciousness_tier: string;
  /** What the credential may be used for, separated by spaces (RFC 8693): permissions by name, or `*` for all of the bearer's. */
  readonly scope: string;
  readonly epoch: number;
  /** Session; absent for machines, workloads and API keys. */
  readonly sid?: string;
  /** API key; absent for any other credential. */
  readonly api_key?: string;
}

const roleNames = enumNames<Role>(RoleSchema);
const permissionNames = enumNames<Permission>(PermissionSchema);
const tierNames = enumNames<Tier>(TierSchema);

/** The claims that stand for a principal. */
export function principalClaims(principal: Principal): PrincipalClaims {
  const permissions = [...principal.permissions].map(permissionNames.nameOf);
  return {
    sub: principal.subject,
    kind: principal.kind,
    tenant: principal.tenant,
    ...(principal.home === principal.tenant ? {} : { home_tenant: principal.home }),
    username: principal.username,
    roles: principal.roles.map(roleNames.nameOf),
    permissions,
    scope: principal.session ? "*" : permissions.join(" "),
    consciousness_tier: tierNames.nameOf(principal.tier),
    epoch: principal.epoch,
    ...(principal.session ? { sid: principal.session } : {}),
    ...(principal.apiKey ? { api_key: principal.apiKey } : {}),
  };
}

/**
 * The principal that verified claims stand for; undefined when one is missing
 * or has the wrong type. Roles and permissions that this build does not know
 * are dropped: a newer auth may grant them already, and they open nothing here.
 */
export function principalFromClaims(claims: Readonly<Record<string, unknown>>): Principal | undefined {
  const { sub, kind, tenant, home_tenant = tenant, username, roles, permissions, scope, epoch } = claims;
  if (!isText(sub) || !isText(tenant) || !isText(home_tenant) || !isText(username)) return undefined;
  if (!isTexts(roles) || !isTexts(permissions) || typeof scope !== "string") return undefined;
  if (!isCount(epoch)) return undefined;
  const tier = isText(claims.consciousness_tier) ? tierNames.valueOf(claims.consciousness_tier) : undefined;
  const credential = credentialOf(claims);
  if (tier === undefined || !credential || !isKind(kind) || !mayHold(kind, credential)) return undefined;
  return Object.freeze({
    tenant,
    home: home_tenant,
    subject: sub,
    kind,
    username,
    roles: roleNames.valuesOf(roles),
    permissions: new Set(permissionNames.valuesOf(permissions)),
    tier,
    ...credential,
    epoch,
  });
}

type Credential = Pick<Principal, "session" | "apiKey">;

function credentialOf({ sid = "", api_key = "" }: Readonly<Record<string, unknown>>): Credential | undefined {
  return typeof sid === "string" && typeof api_key === "string"
    ? { session: sid, apiKey: api_key }
    : undefined;
}

/** A person has a session or a key; a service account a key at most; a workload neither. */
function mayHold(kind: Principal["kind"], { session, apiKey }: Credential): boolean {
  if (kind === "user") return (session === "") !== (apiKey === "");
  return session === "" && (kind === "machine" || apiKey === "");
}

function isKind(value: unknown): value is Principal["kind"] {
  return value === "user" || value === "machine" || value === "workload";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
