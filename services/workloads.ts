import type { WorkloadName } from "./kit/contract/workloads.js";
import { type Preparable, preparable } from "./kit/workload.js";

// Loaded only where they run.
const loaders = {
  gateway: async () => preparable((await import("./gateway/service.js")).definition),
  engine: async () => preparable((await import("./engine/service.js")).definition),
  agents: async () => preparable((await import("./agents/service.js")).definition),
  analytics: async () => preparable((await import("./analytics/service.js")).definition),
  auth: async () => preparable((await import("./auth/service.js")).definition),
} satisfies Record<WorkloadName, () => Promise<Preparable>>;

/** Loads the workload of a name; the catalogue of the contract and this one are equal by type. */
export function loadWorkload(name: WorkloadName): Promise<Preparable> {
  return loaders[name]();
}
