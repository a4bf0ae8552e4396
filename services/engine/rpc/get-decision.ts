import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { asReadBy } from "../domain/withheld.js";
import type { DecisionStore } from "../store.js";

/** Handles GetDecision. */
export function getDecision({
  store,
}: {
  readonly store: Pick<DecisionStore, "load">;
}): ServiceImpl<typeof EngineService>["getDecision"] {
  return async ({ id }, context) => {
    const principal = principalOf(context);
    return { decision: asReadBy(principal, await store.load(principal, id)) };
  };
}
