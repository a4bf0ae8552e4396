import type { ServiceImpl } from "@connectrpc/connect";
import type { AnalyticsService } from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { boundedSignal } from "../../kit/abortable-delay.js";
import { principalOf } from "../../kit/context.js";
import { sharedTimers, type Timers } from "../../kit/timers.js";
import type { Live } from "../live/live-metrics.js";
import type { Watchers } from "../live/watchers.js";
import { tenantOf } from "./scope.js";

/** What WatchMetrics needs. */
export interface WatchMetricsDeps {
  readonly live: Live;
  readonly watchers: Watchers;
  /** How long one may watch, in milliseconds. */
  readonly longestMs: number;
  readonly timers?: Timers;
}

const defaultSeconds = 5;

/** Handles WatchMetrics. */
export function watchMetrics(deps: WatchMetricsDeps): ServiceImpl<typeof AnalyticsService>["watchMetrics"] {
  const { live, watchers, longestMs, timers = sharedTimers } = deps;
  return async function* (request, context) {
    const principal = principalOf(context);
    const tenantId = tenantOf(principal, request);
    const leave = watchers.enter(principal.tenant);
    const watching = boundedSignal(longestMs, context.signal);
    // Nobody resumes a generator whose client went away, so that the end is the signal's.
    const end = () => {
      watching.release();
      leave();
    };
    if (watching.signal.aborted) return end();
    watching.signal.addEventListener("abort", end, { once: true });
    try {
      while (!watching.signal.aborted) {
        yield { metrics: await live.of(tenantId) };
        await pause((request.intervalSeconds || defaultSeconds) * 1000, watching.signal, timers);
      }
    } finally {
      watching.abort();
    }
  };
}

/** Resolves after the time, or as soon as the signal aborts. */
function pause(ms: number, signal: AbortSignal, timers: Timers): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      timer.stop();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = timers.start(ms, done);
    signal.addEventListener("abort", done);
  });
}
