import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { principalOf } from "../../kit/context.js";
import type { SupportModel } from "../domain/models/support-model.js";
import { reflectOnDecision } from "../domain/reflection/reflect-on-decision.js";
import type { PassageIndex } from "../domain/retrieval/bm25.js";
import { asReadBy } from "../domain/withheld.js";
import type { DecisionStore } from "../store.js";

/** What Reflect needs. */
export interface ReflectDeps {
  readonly store: Pick<DecisionStore, "load">;
  readonly builtIn: PassageIndex;
  readonly support?: SupportModel;
}

/** Handles Reflect. Changes nothing. */
export function reflect({
  store,
  builtIn,
  support,
}: ReflectDeps): ServiceImpl<typeof EngineService>["reflect"] {
  return async ({ decisionId }, context) => {
    const principal = principalOf(context);
    const decision = asReadBy(principal, await store.load(principal, decisionId));
    return reflectOnDecision(decision, builtIn, support);
  };
}
