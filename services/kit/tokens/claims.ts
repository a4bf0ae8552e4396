import { type Role, RoleSchema, type Tier, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type Permission, PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../context.js";
import { enumNames } from "../enum-names.js";

/** `iss` of every token that auth signs. */
export const tokenIssuer = "https://consciousness.ai/auth";

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
  readonly kind: "user" | "machine";
  readonly tenant: string;
  readonly username: string;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  readonly consciousness_tier: string;
  /** Absent for machines. */
  readonly sid?: string;
}

const roleNames = enumNames<Role>(RoleSchema);
const permissionNames = enumNames<Permission>(PermissionSchema);
const tierNames = enumNames<Tier>(TierSchema);

/** The claims that stand for a principal. */
export function principalClaims(principal: Principal): PrincipalClaims {
  return {
    sub: principal.subject,
    kind: principal.kind,
    tenant: principal.tenant,
    username: principal.username,
    roles: principal.roles.map(roleNames.nameOf),
    permissions: [...principal.permissions].map(permissionNames.nameOf),
    consciousness_tier: tierNames.nameOf(principal.tier),
    ...(principal.session ? { sid: principal.session } : {}),
  };
}

/**
 * The principal that verified claims stand for; undefined when one is missing
 * or has the wrong type. Roles and permissions that this build does not know
 * are dropped: a newer auth may grant them already, and they open nothing here.
 */
export function principalFromClaims(claims: Readonly<Record<string, unknown>>): Principal | undefined {
  const { sub, kind, tenant, username, sid = "", roles, permissions, consciousness_tier } = claims;
  if (!isText(sub) || !isText(tenant) || !isText(username) || typeof sid !== "string") return undefined;
  if (!isTexts(roles) || !isTexts(permissions)) return undefined;
  const tier = isText(consciousness_tier) ? tierNames.valueOf(consciousness_tier) : undefined;
  if (tier === undefined || (kind !== "user" && kind !== "machine")) return undefined;
  if ((kind === "user") !== (sid !== "")) return undefined;
  return Object.freeze({
    tenant,
    subject: sub,
    kind,
    username,
    roles: roleNames.valuesOf(roles),
    permissions: new Set(permissionNames.valuesOf(permissions)),
    tier,
    session: sid,
  });
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
