import type { ServiceImpl } from "@connectrpc/connect";
import type { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { principalOf } from "../../kit/context.js";
import type { Ask } from "../domain/ask.js";
import { capacityReport } from "../reports/capacity-report.js";
import { tenantOf } from "./scope.js";

const usualDays = 30;
const leastDays = 7;

/** Handles GetCapacityReport. */
export function getCapacityReport({
  ask,
  clock,
}: {
  readonly ask: Ask;
  readonly clock: Clock;
}): ServiceImpl<typeof ReportsService>["getCapacityReport"] {
  return async (request, context) => {
    const question = {
      tenantId: tenantOf(principalOf(context), request),
      days: Math.max(leastDays, request.days || usualDays),
      capacity: request.capacityPerSecond,
      now: clock.now(),
    };
    return capacityReport(ask, question, context.signal);
  };
}
