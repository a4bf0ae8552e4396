import { clone, create, type DescField, equals, getOption } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import {
  type ServiceAccount,
  ServiceAccountSchema,
} from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { field_behavior as behaviorOption, FieldBehavior } from "#gen/ts/google/api/field_behavior_pb.js";
import { errors } from "../../kit/errors.js";

// Which account is meant, and in which state.
const fixed = ["id", "etag"];

const changeable: readonly DescField[] = ServiceAccountSchema.fields.filter(
  (field) =>
    !fixed.includes(field.name) && !getOption(field, behaviorOption).includes(FieldBehavior.OUTPUT_ONLY),
);

/**
 * A service account with the fields that a mask selects, by AIP-134, as in
 * `wanted`: an empty mask and `*` select every changeable field. Throws
 * FIELD_MASK_INVALID with the first other path.
 */
export function withSelected(
  current: ServiceAccount,
  wanted: ServiceAccount,
  paths: readonly string[],
): ServiceAccount {
  const next = clone(ServiceAccountSchema, current);
  const [from, to] = [reflect(ServiceAccountSchema, wanted), reflect(ServiceAccountSchema, next)];
  for (const field of paths.length === 0 ? changeable : paths.flatMap(fieldsAt)) {
    if (from.isSet(field)) to.set(field, from.get(field));
    else to.clear(field);
  }
  return withTier(next);
}

/** What a new service account shall be, with the tier of who is given none. */
export function withTier(wanted: ServiceAccount): ServiceAccount {
  return wanted.tier === Tier.UNSPECIFIED
    ? Object.assign(clone(ServiceAccountSchema, wanted), { tier: Tier.BASIC })
    : wanted;
}

/** Proto names of the changeable fields in which two states of a service account differ. */
export function changedFields(before: ServiceAccount, after: ServiceAccount): string[] {
  const only = (field: DescField, account: ServiceAccount) => {
    const part = create(ServiceAccountSchema);
    reflect(ServiceAccountSchema, part).set(field, reflect(ServiceAccountSchema, account).get(field));
    return part;
  };
  const differs = (field: DescField) =>
    !equals(ServiceAccountSchema, only(field, before), only(field, after));
  return changeable.filter(differs).map(({ name }) => name);
}

function fieldsAt(path: string): readonly DescField[] {
  if (path === "*") return changeable;
  if (fixed.includes(path)) return [];
  const field = changeable.find(({ name }) => name === path);
  if (!field) throw errors.fieldMaskInvalid({ path });
  return [field];
}
