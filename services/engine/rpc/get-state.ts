import type { ServiceImpl } from "@connectrpc/connect";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { currentState, type SelfDeps, selfChecks } from "../domain/self.js";

/** Handles GetState. */
export function getState(deps: SelfDeps): ServiceImpl<typeof EngineService>["getState"] {
  return async (_, { signal }) => ({ state: currentState(deps), checks: await selfChecks(deps, signal) });
}
