import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ExportSpecSchema,
  type ExportsService,
} from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { fileHeader } from "../../kit/peers/same-call.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import { formatOf } from "../exports/formats/file-format.js";
import { exportSelection } from "../exports/selection.js";
import type { ColumnStore } from "../store/port.js";
import { tenantOf } from "./scope.js";

/** What Export needs. */
export interface ExportDeps {
  readonly store: Pick<ColumnStore, "count" | "read">;
  readonly pseudonyms: Pseudonyms;
  /** For what does not fit into memory. */
  readonly directory: string;
  /** Rows that are sent while the caller waits. */
  readonly rowLimit: number;
  /** How many files this process sends so at once. */
  readonly sentAtOnce: number;
}

/** Handles Export. */
export function sendExport(deps: ExportDeps): ServiceImpl<typeof ExportsService>["export"] {
  const { store, directory, rowLimit, sentAtOnce } = deps;
  let sending = 0;
  return async function* (request, { values, signal, responseHeader }) {
    const spec = request.spec ?? create(ExportSpecSchema);
    const tenant = tenantOf(principalOf({ values }), spec);
    const selection = exportSelection(spec, tenant, deps.pseudonyms);
    if (sending >= sentAtOnce) throw errors.exportsExhausted({ limit: sentAtOnce });
    sending += 1;
    try {
      const rows = await store.count(selection, signal);
      if (rows > rowLimit) throw errors.exportTooLarge({ rows, limit: rowLimit });
      const format = formatOf(spec.format);
      responseHeader.set(fileHeader, `attachment; filename="decisions.${format.extension}"`);
      const content = format.write(store.read(selection, signal), { directory, signal });
      for await (const data of content) yield { contentType: format.contentType, data };
    } finally {
      sending -= 1;
    }
  };
}
