import { createHash } from "node:crypto";
import { create, toJson } from "@bufbuild/protobuf";
import {
  type PersonalDataPolicy,
  type Policy,
  PolicySchema,
} from "#gen/ts/consciousness/policy/v1/policy_pb.js";
import { canonicalJson } from "../judges/policy-digest.js";

/**
 * SHA-256 in hex of a policy: of its protobuf JSON with sorted keys, its rules by
 * id and their scopes in order, types of personal data in order. What it says of itself does not count.
 */
export function digestOf(policy: Policy): string {
  const rules = [...policy.rules]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((rule) => ({ ...rule, scopes: [...rule.scopes].sort((a, b) => a - b) }));
  const personalData = policy.personalData && inOrder(policy.personalData);
  const canonical = canonicalJson(
    toJson(PolicySchema, create(PolicySchema, { rules, ...(personalData && { personalData }) })),
  );
  return createHash("sha256").update(canonical).digest("hex");
}

function inOrder(policy: PersonalDataPolicy): PersonalDataPolicy {
  return { ...policy, types: [...policy.types].sort((a, b) => a.type - b.type) };
}
