import { clone } from "@bufbuild/protobuf";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Decision, DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { Principal } from "../../kit/context.js";

/**
 * Whether somebody may read answers that were withheld: who reads every decision
 * of the tenant. To whoever asked, an answer that was withheld once stays so.
 */
export function mayReadWithheld({ permissions }: Pick<Principal, "permissions">): boolean {
  return permissions.has(Permission.CONSCIOUSNESS_ADMIN);
}

/** A stored decision as somebody may read it: without drafts that were withheld, and what would tell of them. */
export function asReadBy(principal: Pick<Principal, "permissions">, decision: Decision): Decision {
  if (mayReadWithheld(principal)) return decision;
  const told = clone(DecisionSchema, decision);
  told.withheldContent = "";
  delete told.replay;
  return told;
}
