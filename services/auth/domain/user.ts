import { create, type DescMethod } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { type User, UserSchema } from "#gen/ts/consciousness/auth/v1/users_service_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { etagOf } from "../../kit/etag.js";
import { fieldMask } from "../../kit/field-mask.js";
import type { Account } from "./account.js";
import { permissionNames } from "./grants.js";

/** An account as its tenant's administrators have it; `active` is its own state, whatever its tenant's. */
export interface StoredUser extends Account {
  readonly version: bigint;
  readonly updateTime: Date;
}

const mask = fieldMask(UserSchema, ["id", "etag"]);

/** An account with the fields that a mask selects as in `wanted`. Throws FIELD_MASK_INVALID. */
export function withSelected(current: User, wanted: User, paths: readonly string[]): User {
  const next = mask.apply(current, wanted, paths);
  if (next.tier === Tier.UNSPECIFIED) next.tier = Tier.BASIC;
  return next;
}

/** Proto names of the changeable fields in which two states of an account differ. */
export const changedFields = mask.changed;

/** Throws RIGHTS_EXCEEDED when an account is permitted something that the principal is not. */
export function requireOutranked(
  { permissions }: Principal,
  account: { readonly id: string; readonly permissions: readonly Permission[] },
): void {
  const beyond = account.permissions.find((permission) => !permissions.has(permission));
  if (beyond === undefined) return;
  throw errors.rightsExceeded({ id: account.id, right: permissionNames.nameOf(beyond) });
}

/**
 * Throws OWN_ACCOUNT when the account is the principal's own: whoever has got
 * hold of a session shall not get by it what `method` wants the password for.
 */
export function requireOther(
  { subject }: Principal,
  account: { readonly id: string },
  method: DescMethod,
): void {
  if (account.id === subject) throw errors.ownAccount({ method: method.name });
}

/** An account as its tenant's administrators see it. */
export function userMessage(user: StoredUser): User {
  return create(UserSchema, {
    id: user.id,
    username: user.username,
    email: user.email,
    roles: [...user.roles],
    permissions: [...user.permissions],
    tier: user.tier,
    active: user.active,
    etag: etagOf(user),
    createTime: timestampFromDate(user.createTime),
    updateTime: timestampFromDate(user.updateTime),
    ...(user.lastLoginTime && { lastLoginTime: timestampFromDate(user.lastLoginTime) }),
  });
}
