import type { ServiceImpl } from "@connectrpc/connect";
import type { AnalyticsService } from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { principalOf } from "../../kit/context.js";
import type { Live } from "../live/live-metrics.js";
import { tenantOf } from "./scope.js";

/** Handles GetMetrics. */
export function getMetrics({
  live,
}: {
  readonly live: Live;
}): ServiceImpl<typeof AnalyticsService>["getMetrics"] {
  return async (request, context) => ({ metrics: await live.of(tenantOf(principalOf(context), request)) });
}
