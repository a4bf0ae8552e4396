import { clone } from "@bufbuild/protobuf";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import {
  type ServiceAccount,
  ServiceAccountSchema,
} from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { fieldMask } from "../../kit/field-mask.js";

const mask = fieldMask(ServiceAccountSchema, ["id", "etag"]);

/** A service account with the fields that a mask selects as in `wanted`. Throws FIELD_MASK_INVALID. */
export function withSelected(
  current: ServiceAccount,
  wanted: ServiceAccount,
  paths: readonly string[],
): ServiceAccount {
  return withTier(mask.apply(current, wanted, paths));
}

/** What a new service account shall be, with the tier of who is given none. */
export function withTier(wanted: ServiceAccount): ServiceAccount {
  return wanted.tier === Tier.UNSPECIFIED
    ? Object.assign(clone(ServiceAccountSchema, wanted), { tier: Tier.BASIC })
    : wanted;
}

/** Proto names of the changeable fields in which two states of a service account differ. */
export const changedFields = mask.changed;
