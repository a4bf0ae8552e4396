import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Profile,
  ProfileSchema,
  type Role,
  type Tier,
} from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";

/** Id and name of the one tenant of accounts that name no other. Not a UUID, so that nobody takes it for a made one. */
export const defaultTenant = "default";

/** A user's account as stored. */
export interface Account {
  readonly id: string;
  readonly tenant: string;
  readonly username: string;
  /** Empty when none was given. */
  readonly email: string;
  /** PHC format. */
  readonly passwordHash: string;
  readonly roles: readonly Role[];
  /** What the roles permit in its tenant. */
  readonly permissions: readonly Permission[];
  readonly tier: Tier;
  /** Disabled accounts, and all those of a disabled tenant, are not. */
  readonly active: boolean;
  /** How often its rights have changed: tokens of an older epoch are refused. */
  readonly epoch: number;
  readonly createTime: Date;
  readonly lastLoginTime: Date | undefined;
}

/** An account that is about to be stored. What it permits follows from its tenant. */
export type NewAccount = Omit<Account, "permissions">;

/** The principal that an account is in one of its sessions. */
export function principalOfAccount(account: Account, session: string): Principal {
  return {
    tenant: account.tenant,
    home: account.tenant,
    subject: account.id,
    kind: "user",
    username: account.username,
    roles: account.roles,
    permissions: new Set(account.permissions),
    tier: account.tier,
    session,
    apiKey: "",
    epoch: account.epoch,
  };
}

/** An account as its owner sees it. */
export function profileOf(account: Account): Profile {
  return create(ProfileSchema, {
    id: account.id,
    tenantId: account.tenant,
    username: account.username,
    email: account.email,
    roles: [...account.roles],
    permissions: [...account.permissions],
    tier: account.tier,
    createTime: timestampFromDate(account.createTime),
    ...(account.lastLoginTime && { lastLoginTime: timestampFromDate(account.lastLoginTime) }),
  });
}
