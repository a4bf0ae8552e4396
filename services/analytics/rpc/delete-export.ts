import type { ServiceImpl } from "@connectrpc/connect";
import type { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { ExportStore } from "../exports/job-store.js";

/** Handles DeleteExport. */
export function deleteExport({
  jobs,
}: {
  readonly jobs: Pick<ExportStore, "remove">;
}): ServiceImpl<typeof ExportsService>["deleteExport"] {
  return async (request, context) => {
    await jobs.remove(request, context);
    return {};
  };
}
