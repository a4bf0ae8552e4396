import { errors } from "../../kit/errors.js";

/** Bounds how many watch at once, as each holds a place among the calls that the process admits. */
export interface Watchers {
  /** Lets one more of a tenant watch; call what it returns once at the end. Throws OVERLOADED. */
  enter(tenantId: string): () => void;
}

const mostOfTenant = 16;
const mostOfAll = 64;

/** Makes the places of watchers. */
export function createWatchers(): Watchers {
  const byTenant = new Map<string, number>();
  let all = 0;
  return {
    enter(tenantId) {
      const own = byTenant.get(tenantId) ?? 0;
      if (own >= mostOfTenant)
        throw errors.overloaded({ workload: "Watching of a tenant", limit: mostOfTenant });
      if (all >= mostOfAll) throw errors.overloaded({ workload: "Watching", limit: mostOfAll });
      byTenant.set(tenantId, own + 1);
      all += 1;
      return () => {
        all -= 1;
        const left = (byTenant.get(tenantId) ?? 1) - 1;
        if (left > 0) byTenant.set(tenantId, left);
        else byTenant.delete(tenantId);
      };
    },
  };
}
