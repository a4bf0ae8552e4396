import { join } from "node:path";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import type { ExportsService } from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { Platform } from "../../kit/workload.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import { createExport } from "../rpc/create-export.js";
import { deleteExport } from "../rpc/delete-export.js";
import { downloadExport } from "../rpc/download-export.js";
import { sendExport } from "../rpc/export.js";
import { getExport } from "../rpc/get-export.js";
import { listExports } from "../rpc/list-exports.js";
import type { ColumnStore } from "../store/port.js";
import { fileBlobs } from "./blobs/files.js";
import { pieceBlobs } from "./blobs/pieces.js";
import type { ExportsConfig } from "./config.js";
import { exportQueue } from "./job-queue.js";
import { exportStore } from "./job-store.js";
import { createDownloadLinks } from "./links.js";
import type { ExportTables } from "./rows.js";
import { sweepExports, sweepUnfinished } from "./sweep.js";
import { startExportWorkers } from "./workers.js";
import { writeExport } from "./write-export.js";

/** What exports are made of. */
export interface ExportsOptions {
  readonly config: ExportsConfig;
  readonly store: Pick<ColumnStore, "count" | "read">;
  readonly db: Kysely<ExportTables & OutboxTables>;
  readonly pseudonyms: Pseudonyms;
  /** 32 bytes; links are signed under what is derived of them. */
  readonly secret: Uint8Array;
  readonly platform: Pick<Platform, "clock" | "log" | "dataDirectory">;
  /** How long a job is left to a worker that says nothing, in milliseconds. */
  readonly leaseMs?: number;
  /** How long workers wait for jobs that other replicas were asked for, in milliseconds. */
  readonly idleMs?: number;
}

/** The service, and the work that goes on behind it. */
export interface Exports {
  readonly handlers: ServiceImpl<typeof ExportsService>;
  /** Removes jobs and files whose time is over; from time to time. */
  sweep(): Promise<void>;
  /** Gives jobs that are being written back. */
  stop(): Promise<void>;
}

/** Opens the service, and starts to write what was asked for. */
export function openExports(options: ExportsOptions): Exports {
  const { config, store, db, pseudonyms, platform, leaseMs = 30_000, idleMs = 2_000 } = options;
  const { clock, log, dataDirectory } = platform;
  const place = join(dataDirectory, "exports");
  const directory = join(place, "unfinished");
  const { files } = config;
  const blobs = files.kind === "database" ? pieceBlobs(db) : fileBlobs(files.path ?? join(place, "files"));
  const jobs = exportStore({ db, clock, limit: config.jobs, keptMs: config.keptMs });
  const queue = exportQueue({ db, clock, leaseMs });
  const links = createDownloadLinks(options.secret);
  const writing = { ...config, store, pseudonyms, queue, blobs, log, directory, noteMs: leaseMs / 10 };
  const workers = startExportWorkers({
    queue,
    write: (job, stopping) => writeExport(job, writing, stopping),
    log,
    workers: config.workers,
    idleMs,
  });
  return {
    handlers: {
      export: sendExport({ ...config, store, pseudonyms, directory }),
      createExport: createExport({ jobs, pseudonyms, wake: workers.wake }),
      getExport: getExport({ jobs, links, linkMs: config.linkMs, clock }),
      listExports: listExports({ jobs }),
      deleteExport: deleteExport({ jobs }),
      downloadExport: downloadExport({ jobs, blobs, links, clock }),
    },
    async sweep() {
      await sweepExports(queue, blobs);
      await sweepUnfinished(directory, Date.now() - 2 * config.longestMs);
    },
    stop: workers.stop,
  };
}
