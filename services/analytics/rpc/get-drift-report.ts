import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { principalOf } from "../../kit/context.js";
import { type DriftSources, driftReport } from "../reports/drift-report.js";
import { selectedBy } from "./selected-by.js";

const hourMs = 3_600_000;
const usualHours = 24;

/** Handles GetDriftReport. */
export function getDriftReport({
  clock,
  ...sources
}: DriftSources & { readonly clock: Clock }): ServiceImpl<typeof ReportsService>["getDriftReport"] {
  return async (request, context) => {
    const length = (request.periodHours || usualHours) * hourMs;
    const until = request.endTime ? timestampDate(request.endTime) : new Date(clock.now());
    const from = new Date(until.getTime() - length);
    const [now, before] = [
      { from, until },
      { from: new Date(from.getTime() - length), until: from },
    ].map((period) => selectedBy(request, principalOf(context), period));
    if (!now || !before) throw new Error("there are two periods");
    return driftReport(sources, { now, before }, context.signal);
  };
}
