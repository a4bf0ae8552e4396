import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type Profile,
  ProfileSchema,
  type Role,
  type Tier,
} from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Principal } from "../../kit/context.js";
import { permissionsOf } from "./roles.js";

/** The one tenant of accounts that name no other. Not a UUID, so that nobody takes it for a made one. */
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
  readonly tier: Tier;
  /** Disabled accounts are not. */
  readonly active: boolean;
  /** How often its rights have changed: tokens of an older epoch are refused. */
  readonly epoch: number;
  readonly createTime: Date;
  readonly lastLoginTime: Date | undefined;
}

/** The principal that an account is in one of its sessions. */
export function principalOfAccount(account: Account, session: string): Principal {
  return {
    tenant: account.tenant,
    home: account.tenant,
    subject: account.id,
    kind: "user",
    username: account.username,
    roles: account.roles,
    permissions: new Set(permissionsOf(account.roles)),
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
    permissions: permissionsOf(account.roles),
    tier: account.tier,
    createTime: timestampFromDate(account.createTime),
    ...(account.lastLoginTime && { lastLoginTime: timestampFromDate(account.lastLoginTime) }),
  });
}
