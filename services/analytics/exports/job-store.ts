import { create, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { type ExpressionBuilder, type Kysely, sql, type Transaction } from "kysely";
import {
  ExportCreatedSchema,
  ExportDeletedSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_events_pb.js";
import {
  type CreateExportRequest,
  type DeleteExportRequest,
  type ExportSpec,
  ExportSpecSchema,
  ExportsService,
} from "#gen/ts/consciousness/analytics/v1/exports_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Clock } from "../../kit/clock.js";
import { callOf, type Principal, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { once } from "../../kit/idempotency/handle.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { Page } from "../../kit/page-token.js";
import { transaction } from "../../kit/stores/database/kysely.js";
import { type ExportRow, type ExportTables, specText, toExport } from "./rows.js";

type Tables = ExportTables & OutboxTables;

/** What the store is made of. */
export interface ExportStoreOptions {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
  /** Jobs that a tenant may have at once, with those whose files are kept. */
  readonly limit: number;
  /** How long a job and its file are kept, in milliseconds. */
  readonly keptMs: number;
}

/** Keeps export jobs. An account sees its own, and with PERMISSION_ANALYTICS_ADMIN all of its tenant. */
export type ExportStore = ReturnType<typeof exportStore>;

/** Makes a store over the schema `analytics`. */
export function exportStore({ db, clock, limit, keptMs }: ExportStoreOptions) {
  const visible = (principal: Principal) => (where: ExpressionBuilder<Tables, "exports">) =>
    where.and([
      where("tenant_id", "=", principal.tenant),
      ...(principal.permissions.has(Permission.ANALYTICS_ADMIN)
        ? []
        : [where("owner", "=", principal.subject)]),
      where("state", "!=", "deleted"),
      where("expire_time", ">", new Date(clock.now())),
    ]);

  return {
    /** Makes a job, once for the call's idempotency key. Rejects with EXPORTS_EXHAUSTED. */
    create(request: CreateExportRequest, context: HandlerContext) {
      const principal = principalOf(context);
      const call = { method: ExportsService.method.createExport, request, context, clock };
      return once(db, call, async (trx) => {
        await requirePlace(trx, principal.tenant, limit);
        const row = await insert(trx, principal, {
          spec: request.spec ?? create(ExportSpecSchema),
          now: clock.now(),
          keptMs,
        });
        const { format, allTenants } = request.spec ?? create(ExportSpecSchema);
        const message = create(ExportCreatedSchema, { exportId: row.id, format, allTenants });
        await recordEvent(trx, told(row, context, clock, ExportCreatedSchema, message));
        return { export: toExport(row) };
      });
    },

    /** Rejects with EXPORT_NOT_FOUND. */
    async load(principal: Principal, id: string): Promise<ExportRow> {
      const row = await db
        .selectFrom("exports")
        .selectAll()
        .where("id", "=", id)
        .where(visible(principal))
        .executeTakeFirst();
      if (!row) throw errors.exportNotFound({ id });
      return row;
    },

    /** Newest first. */
    list(principal: Principal, { after, limit }: Page): Promise<ExportRow[]> {
      let query = db.selectFrom("exports").selectAll().where(visible(principal));
      if (after !== undefined) query = query.where("id", "<", after);
      return query.orderBy("id", "desc").limit(limit).execute();
    },

    /** Deletes a job; its file goes as soon as nobody writes it any more. Rejects with EXPORT_NOT_FOUND. */
    remove({ id }: DeleteExportRequest, context: HandlerContext): Promise<void> {
      const principal = principalOf(context);
      return transaction(db, async (trx) => {
        const row = await trx
          .updateTable("exports")
          .set(({ eb }) => ({ state: "deleted", version: eb("version", "+", 1n) }))
          .where("id", "=", id)
          .where(visible(principal))
          .returningAll()
          .executeTakeFirst();
        if (!row) throw errors.exportNotFound({ id });
        const message = create(ExportDeletedSchema, { exportId: id });
        await recordEvent(trx, told(row, context, clock, ExportDeletedSchema, message));
      });
    },

    /** A job whose file can be downloaded, for whoever holds its link. Rejects with EXPORT_NOT_FOUND. */
    async linked(id: string): Promise<ExportRow & { readonly file: string }> {
      const row = await db
        .selectFrom("exports")
        .selectAll()
        .where("id", "=", id)
        .where("state", "=", "succeeded")
        .where("expire_time", ">", new Date(clock.now()))
        .executeTakeFirst();
      if (!row?.file) throw errors.exportNotFound({ id });
      return { ...row, file: row.file };
    },
  };
}

/** One at a time for each tenant, as two at once would each find the last place free. */
async function requirePlace(trx: Transaction<Tables>, tenant: string, limit: number): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`exports ${tenant}`}, 0))`.execute(trx);
  const { count } = await trx
    .selectFrom("exports")
    .select((rows) => rows.fn.countAll<bigint>().as("count"))
    .where("tenant_id", "=", tenant)
    .executeTakeFirstOrThrow();
  if (count >= limit) throw errors.exportsExhausted({ limit });
}

function insert(
  trx: Transaction<Tables>,
  { tenant, subject }: Principal,
  { spec, now, keptMs }: { readonly spec: ExportSpec; readonly now: number; readonly keptMs: number },
): Promise<ExportRow> {
  const row = {
    id: newId(),
    tenant_id: tenant,
    owner: subject,
    spec: specText(spec),
    create_time: new Date(now),
    expire_time: new Date(now + keptMs),
  };
  return trx.insertInto("exports").values(row).returningAll().executeTakeFirstOrThrow();
}

function told<D extends DescMessage>(
  { id, tenant_id: tenant, version }: ExportRow,
  context: HandlerContext,
  clock: Clock,
  schema: D,
  message: MessageShape<D>,
) {
  const aggregate = { type: "export", id, version };
  return { call: callOf(context), clock, tenant, aggregate, payload: { schema, message } };
}
