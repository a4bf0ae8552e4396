import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ExportSpecSchema,
  type ExportsService,
} from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { principalOf } from "../../kit/context.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import type { ExportStore } from "../exports/job-store.js";
import { exportSelection } from "../exports/selection.js";
import { tenantOf } from "./scope.js";

/** What CreateExport needs. */
export interface CreateExportDeps {
  readonly jobs: Pick<ExportStore, "create">;
  readonly pseudonyms: Pseudonyms;
  /** Tells that there is a job. */
  readonly wake: () => void;
}

/** Handles CreateExport. */
export function createExport({
  jobs,
  pseudonyms,
  wake,
}: CreateExportDeps): ServiceImpl<typeof ExportsService>["createExport"] {
  return async (request, context) => {
    const spec = request.spec ?? create(ExportSpecSchema);
    // What cannot be selected is refused here, and not by a job that fails.
    exportSelection(spec, tenantOf(principalOf(context), spec), pseudonyms);
    const response = await jobs.create(request, context);
    wake();
    return response;
  };
}
