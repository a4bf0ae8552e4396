import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import type { WorkloadDefinition } from "../kit/workload.js";
import { forward } from "./forward.js";

/** The edge: everything it offers is another workload's, under the chain of the edge. */
export const definition: WorkloadDefinition<Record<never, never>> = {
  config: () => ({}),
  async start(_config, { peer }) {
    return {
      implementations: [
        forward(AuthService, peer(AuthService)),
        forward(AgentsService, peer(AgentsService)),
        forward(EngineService, peer(EngineService)),
      ],
      // A workload that is away fails its own routes with DEPENDENCY_UNAVAILABLE; the others go on.
      dependencies: [],
    };
  },
};
