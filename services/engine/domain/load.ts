import { type EventLoopUtilization, performance } from "node:perf_hooks";
import type { Load } from "../../kit/workload.js";

/** How busy the engine is at a moment. */
export interface LoadReading {
  /** 0..1: the highest of event-loop utilisation, calls by limit, and queue wait by budget. */
  readonly cognitiveLoad: number;
  /** How long the latest call waited for admission, in milliseconds. */
  readonly queueMs: number;
}

/** The highest of the three shares of load, each within 0..1. */
export function cognitiveLoad(eventLoop: number, { inFlight, limit, queueMs, queueBudgetMs }: Load): number {
  return Math.max(within(eventLoop), share(inFlight, limit), share(queueMs, queueBudgetMs));
}

/** Reads the load of this process; event-loop utilisation is that since the last reading. */
export function createLoadReader(load: () => Load): () => LoadReading {
  let last: EventLoopUtilization = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    const current = load();
    return { cognitiveLoad: cognitiveLoad(utilization, current), queueMs: current.queueMs };
  };
}

function share(value: number, limit: number): number {
  return limit > 0 ? within(value / limit) : 0;
}

function within(value: number): number {
  return Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
}
