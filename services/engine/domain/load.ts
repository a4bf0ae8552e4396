import { type EventLoopUtilization, performance } from "node:perf_hooks";
import type { Load } from "../../kit/workload.js";

/** The highest of the three shares of load, each within 0..1. */
export function cognitiveLoad(eventLoop: number, { inFlight, limit, queueMs, queueBudgetMs }: Load): number {
  return Math.max(within(eventLoop), share(inFlight, limit), share(queueMs, queueBudgetMs));
}

/** A shorter stretch of event loop is mostly the request that asks. */
const windowMs = 1000;

/** Reads the cognitive load of this process; event-loop utilisation is that of the last second or more. */
export function createLoadReader(load: () => Load): () => number {
  let older: EventLoopUtilization = performance.eventLoopUtilization();
  let newer = older;
  return () => {
    const now = performance.eventLoopUtilization();
    if (lengthOf(now) - lengthOf(newer) >= windowMs) {
      older = newer;
      newer = now;
    }
    return cognitiveLoad(performance.eventLoopUtilization(now, older).utilization, load());
  };
}

function lengthOf({ active, idle }: EventLoopUtilization): number {
  return active + idle;
}

function share(value: number, limit: number): number {
  return limit > 0 ? within(value / limit) : 0;
}

function within(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
