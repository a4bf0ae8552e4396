import type { ServiceImpl } from "@connectrpc/connect";
import type { ReportsService } from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { readPage } from "../../kit/page-token.js";
import type { ReportStore } from "../reports/report-store.js";
import { toAnomaly } from "../reports/rows.js";
import { tenantOf } from "./scope.js";

/** Handles ListAnomalies. */
export function listAnomalies({
  reports,
}: {
  readonly reports: Pick<ReportStore, "anomalies">;
}): ServiceImpl<typeof ReportsService>["listAnomalies"] {
  return async (request, context) => {
    const tenant = tenantOf(principalOf(context), request);
    const { items, nextPageToken } = await readPage(request, [tenant ?? ""], (page) =>
      reports.anomalies(tenant, page),
    );
    return { anomalies: items.map(toAnomaly), nextPageToken };
  };
}
