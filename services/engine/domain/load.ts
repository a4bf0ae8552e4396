import { type EventLoopUtilization, performance } from "node:perf_hooks";
import type { Load } from "../../kit/workload.js";

/** The highest of the three shares of load, each within 0..1. */
export function cognitiveLoad(eventLoop: number, { inFlight, limit, queueMs, queueBudgetMs }: Load): number {
  return Math.max(within(eventLoop), share(inFlight, limit), share(queueMs, queueBudgetMs));
}

/** Reads the cognitive load of this process; event-loop utilisation is that since the last reading. */
export function createLoadReader(load: () => Load): () => number {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return cognitiveLoad(utilization, load());
  };
}

function share(value: number, limit: number): number {
  return limit > 0 ? within(value / limit) : 0;
}

function within(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
