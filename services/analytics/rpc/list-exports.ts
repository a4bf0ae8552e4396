import type { ServiceImpl } from "@connectrpc/connect";
import type { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { readPage } from "../../kit/page-token.js";
import type { ExportStore } from "../exports/job-store.js";
import { toExport } from "../exports/rows.js";

/** Handles ListExports. */
export function listExports({
  jobs,
}: {
  readonly jobs: Pick<ExportStore, "list">;
}): ServiceImpl<typeof ExportsService>["listExports"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const { items, nextPageToken } = await readPage(request, [principal.tenant, principal.subject], (page) =>
      jobs.list(principal, page),
    );
    return { exports: items.map(toExport), nextPageToken };
  };
}
