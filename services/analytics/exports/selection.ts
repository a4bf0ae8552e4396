import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ExportSpec } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import { everything, selectionOf } from "../domain/selection.js";
import type { Selection } from "../store/port.js";

/** The decisions that a file is to have: of `tenantId`, or of every tenant where it is undefined. Throws QUERY_INVALID. */
export function exportSelection(
  { timeRange, filter }: Pick<ExportSpec, "timeRange" | "filter">,
  tenantId: string | undefined,
  pseudonyms: Pseudonyms,
): Selection {
  const [from, until] = [timeRange?.startTime, timeRange?.endTime];
  if (!from || !until) throw new Error("the contract lets no export without its times through");
  const all = everything(tenantId, { from: timestampDate(from), until: timestampDate(until) });
  return selectionOf(all, filter, { field: "spec.filter", pseudonyms });
}
