import type { ServiceImpl } from "@connectrpc/connect";
import type { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { errors } from "../../kit/errors.js";
import { fileHeader } from "../../kit/peers/same-call.js";
import type { Blobs } from "../exports/blobs/port.js";
import { formatOf } from "../exports/formats/file-format.js";
import type { ExportStore } from "../exports/job-store.js";
import type { DownloadLinks } from "../exports/links.js";
import { specOf } from "../exports/rows.js";

/** What DownloadExport needs. */
export interface DownloadExportDeps {
  readonly jobs: Pick<ExportStore, "linked">;
  readonly blobs: Blobs;
  readonly links: DownloadLinks;
  readonly clock: Clock;
}

/** Handles DownloadExport. */
export function downloadExport({
  jobs,
  blobs,
  links,
  clock,
}: DownloadExportDeps): ServiceImpl<typeof ExportsService>["downloadExport"] {
  return async function* ({ id, expires, signature }, { responseHeader }) {
    if (!links.isGood(id, { expires, signature }, clock.now())) throw errors.exportLinkInvalid();
    const row = await jobs.linked(id);
    const content = await blobs.read(row.file);
    if (!content) throw errors.exportNotFound({ id });
    const { contentType, extension } = formatOf(specOf(row).format);
    responseHeader.set(fileHeader, `attachment; filename="decisions-${id}.${extension}"`);
    // Also of an empty file: a client knows by it what it is.
    yield { contentType };
    for await (const data of content) yield { contentType, data };
  };
}
