import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import {
  type ServiceAccount,
  ServiceAccountSchema,
} from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../kit/context.js";
import { etagOf } from "../../kit/etag.js";

/** A service account as stored. */
export interface StoredServiceAccount {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly description: string;
  readonly roles: readonly Role[];
  /** Besides those of its roles. */
  readonly permissions: readonly Permission[];
  readonly tier: Tier;
  /** Empty for none. */
  readonly spiffeId: string;
  readonly epoch: number;
  readonly version: bigint;
  readonly createTime: Date;
  readonly updateTime: Date;
  readonly formerSecretExpireTime: Date | undefined;
}

/** The principal that a service account is with `permissions`, of all that it has. */
export function principalOfServiceAccount(
  account: StoredServiceAccount,
  permissions: ReadonlySet<Permission>,
): Principal {
  return {
    tenant: account.tenant,
    home: account.tenant,
    subject: account.id,
    kind: "machine",
    username: account.name,
    roles: account.roles,
    permissions,
    tier: account.tier,
    session: "",
    apiKey: "",
    epoch: account.epoch,
  };
}

/** A service account as administrators see it at a time. */
export function serviceAccountMessage(account: StoredServiceAccount, now: number): ServiceAccount {
  const former = account.formerSecretExpireTime;
  return create(ServiceAccountSchema, {
    id: account.id,
    name: account.name,
    description: account.description,
    roles: [...account.roles],
    permissions: [...account.permissions],
    tier: account.tier,
    spiffeId: account.spiffeId,
    etag: etagOf(account),
    createTime: timestampFromDate(account.createTime),
    updateTime: timestampFromDate(account.updateTime),
    ...(former && former.getTime() > now && { formerSecretExpireTime: timestampFromDate(former) }),
  });
}
