import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../services/kit/context.js";
import { newId } from "../../services/kit/ids.js";

/** Who a person is. */
export interface PersonFacts {
  readonly tenant?: string;
  readonly subject?: string;
  readonly permissions?: readonly Permission[];
}

/** A person of a tenant, new unless named, with no permission but those given. */
export function person({
  tenant = "default",
  subject = newId(),
  permissions = [],
}: PersonFacts = {}): Principal {
  return {
    tenant,
    home: tenant,
    subject,
    kind: "user",
    username: "ada",
    roles: [],
    permissions: new Set(permissions),
    tier: Tier.BASIC,
    session: "",
    apiKey: "",
    epoch: 0,
  };
}
