import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { sql } from "kysely";
import {
  CreateExportRequestSchema,
  ExportFormat,
  ExportRequestSchema,
  type ExportSpec,
  ExportSpecSchema,
} from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import type { FilterSchema } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { createPseudonyms } from "../../../services/analytics/domain/pseudonyms.js";
import { exportDefaults } from "../../../services/analytics/exports/config.js";
import {
  type Exports,
  type ExportsOptions,
  openExports,
} from "../../../services/analytics/exports/handlers.js";
import type { ExportTables } from "../../../services/analytics/exports/rows.js";
import { callKey, type Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { createLog } from "../../../services/kit/log.js";
import { readEvents } from "../../../services/kit/outbox.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../../../services/kit/stores/database/migrate.js";
import type { Database } from "../../../services/kit/stores/database/port.js";
import { person as anybody } from "../../support/person.js";
import { firstTime } from "./rows.js";

const secret = Buffer.alloc(32, 9);
const pseudonyms = createPseudonyms(secret);

/** A person of a tenant without an hourly limit, with no permission but those given. */
export function person(tenant: string, ...permissions: readonly Permission[]): Principal {
  return { ...anybody({ tenant, permissions }), tier: Tier.ENTERPRISE };
}

/** The context of a principal's call. */
export function contextOf(
  principal: Principal | undefined,
  {
    key,
    signal = new AbortController().signal,
  }: { key?: { method: string; value: string }; signal?: AbortSignal } = {},
): HandlerContext {
  const call = {
    requestId: newId(),
    correlationId: "test",
    caller: Workload.GATEWAY,
    principal,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
    idempotencyKey: key,
  };
  const values = createContextValues().set(callKey, call);
  return { values, signal, responseHeader: new Headers() } as HandlerContext;
}

/** What tests vary of a spec. */
interface SpecFields {
  readonly format?: ExportFormat;
  readonly filter?: MessageInitShape<typeof FilterSchema>;
  readonly allTenants?: boolean;
}

/** The rows of one tenant's first ten minutes. */
function spec(more: SpecFields): ExportSpec {
  const timeRange = { startTime: timestampFromMs(firstTime), endTime: timestampFromMs(firstTime + 600_000) };
  return create(ExportSpecSchema, { timeRange, format: ExportFormat.CSV, ...more });
}

export const exportRequest = (more: SpecFields = {}) => create(ExportRequestSchema, { spec: spec(more) });
export const createRequest = (more: SpecFields = {}) =>
  create(CreateExportRequestSchema, { spec: spec(more) });

/** Exports on a database, with files in a directory of their own. */
export async function exportsOn(database: Database) {
  await migrate(database, { schema: "analytics", migrations: await readMigrations("analytics") });
  const db = openSchema<ExportTables>(database, "analytics");
  const dataDirectory = await mkdtemp(join(tmpdir(), "exports-"));
  const lines: string[] = [];
  const log = createLog({
    service: "analytics",
    level: "info",
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    destination: { write: (line: string) => void lines.push(line) },
  });
  const time = { now: firstTime + 3_600_000 };
  const clock = { now: () => time.now, monotonic: () => performance.now() };
  const opened: Exports[] = [];
  return {
    db,
    time,
    lines,
    dataDirectory,
    /** Another replica. */
    open(options: Pick<ExportsOptions, "store"> & Partial<ExportsOptions>): Exports {
      const exports = openExports({
        config: exportDefaults,
        db,
        pseudonyms,
        secret,
        platform: { clock, log, dataDirectory },
        idleMs: 10,
        ...options,
      });
      opened.push(exports);
      return exports;
    },
    /** Names of the files that are kept. */
    files: () => readdir(join(dataDirectory, "exports", "files")).catch((): string[] => []),
    events: async (id: string) =>
      (await readEvents(db, { aggregate: { type: "export", id }, limit: 10 })).map(
        ({ version, payload, actor }) => ({ version, actor, type: payload?.typeUrl.split(".").at(-1) }),
      ),
    /** Forgets every job, and its file. */
    async empty() {
      await sql`delete from analytics.exports`.execute(db);
      await rm(join(dataDirectory, "exports"), { recursive: true, force: true });
    },
    async close() {
      await Promise.all(opened.map((one) => one.stop()));
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}
