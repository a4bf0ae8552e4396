import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import type { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { Clock } from "../../kit/clock.js";
import { principalOf } from "../../kit/context.js";
import type { ExportStore } from "../exports/job-store.js";
import type { DownloadLinks } from "../exports/links.js";
import { toExport } from "../exports/rows.js";

/** What GetExport needs. */
export interface GetExportDeps {
  readonly jobs: Pick<ExportStore, "load">;
  readonly links: DownloadLinks;
  /** How long a link is good, in milliseconds. */
  readonly linkMs: number;
  readonly clock: Clock;
}

/** Handles GetExport. */
export function getExport({
  jobs,
  links,
  linkMs,
  clock,
}: GetExportDeps): ServiceImpl<typeof ExportsService>["getExport"] {
  return async ({ id }, context) => {
    const row = await jobs.load(principalOf(context), id);
    const found = toExport(row);
    if (row.state === "succeeded") {
      const expires = Math.min(clock.now() + linkMs, row.expire_time.getTime());
      found.downloadPath = links.make(id, expires);
      found.downloadExpireTime = timestampFromMs(Math.floor(expires / 1000) * 1000);
    }
    return { export: found };
  };
}
