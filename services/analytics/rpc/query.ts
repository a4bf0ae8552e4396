import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { NullValue, type ValueSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AnalyticsService,
  type QueryRequest,
  QueryRequestSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { type Principal, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { offsetToken, readOffsetToken } from "../domain/offset-token.js";
import { type PlannedQuery, planQuery } from "../domain/plan-query.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import { inZone } from "../domain/time-zone.js";
import type { Bounds, ColumnStore, Value } from "../store/port.js";
import { tenantOf } from "./scope.js";

/** What Query needs. */
export interface QueryDeps {
  readonly store: Pick<ColumnStore, "query">;
  readonly bounds: Bounds;
  readonly pseudonyms: Pseudonyms;
  /** Seconds; undefined before the first event. */
  lag(): number | undefined;
}

const mostRows = 10_000;
const defaultPage = 100;

/** Handles Query. */
export function query({
  store,
  bounds,
  pseudonyms,
  lag,
}: QueryDeps): ServiceImpl<typeof AnalyticsService>["query"] {
  return async (request, context) => {
    const principal = principalOf(context);
    const scope = { tenantId: tenantOf(principal, request), pseudonyms };
    const planned = planQuery(request, scope);
    const asked = bindingOf(request, principal);
    const offset = readOffsetToken(request.pageToken, asked);
    const most = request.limit || mostRows;
    if (offset > 0 && offset >= most) throw errors.pageTokenInvalid();
    const size = Math.min(request.pageSize || defaultPage, most - offset);
    // One more than asked for tells whether there is a next page.
    const found = await store.query({ ...planned.plan, offset, limit: size + 1 }, bounds, context.signal);
    const next = offset + size;
    const behind = lag();
    return {
      columns: [...planned.columns],
      rows: found.slice(0, size).map((values) => rowOf(values, planned)),
      nextPageToken: found.length > size && next < most ? offsetToken(next, asked) : "",
      ...(behind !== undefined && { ingestLagSeconds: behind }),
    };
  };
}

/** What a page token is good for: the same request of the same tenant, whatever the size of its pages. */
function bindingOf(request: QueryRequest, { tenant }: Principal): Uint8Array {
  const asked = create(QueryRequestSchema, { ...request, pageSize: 0, pageToken: "" });
  return Buffer.concat([Buffer.from(`${tenant}\n`), toBinary(QueryRequestSchema, asked)]);
}

function rowOf(values: readonly Value[], { plan }: PlannedQuery) {
  return {
    values: values.map((value, i) => {
      const group = plan.groups[i];
      return jsonOf(value, group?.kind === "time" ? group.timeZone : "UTC");
    }),
  };
}

function jsonOf(value: Value, timeZone: string): MessageInitShape<typeof ValueSchema> {
  if (value instanceof Date) return { kind: { case: "stringValue", value: inZone(value, timeZone) } };
  if (typeof value === "string") return { kind: { case: "stringValue", value } };
  // JSON has no other numbers.
  if (typeof value === "number" && Number.isFinite(value)) return { kind: { case: "numberValue", value } };
  return { kind: { case: "nullValue", value: NullValue.NULL_VALUE } };
}
