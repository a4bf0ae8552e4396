import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { QueryRequest } from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { errors } from "../../kit/errors.js";
import type { Group, QueryPlan } from "../store/port.js";
import type { TimeUnit } from "../store/terms.js";
import { aggregateColumn, groupColumn } from "./columns.js";
import type { Pseudonyms } from "./pseudonyms.js";
import { invalid } from "./query-error.js";
import { everything, type Period, selectionOf } from "./selection.js";

/** A query that can be computed, and what its columns are. */
export interface PlannedQuery {
  readonly plan: Omit<QueryPlan, "offset" | "limit">;
  readonly columns: readonly { readonly name: string; readonly unit: string }[];
}

/** Whose decisions count, and how accounts are found among them. */
export interface QueryScope {
  /** Undefined for every tenant. */
  readonly tenantId: string | undefined;
  readonly pseudonyms: Pseudonyms;
}

/** Most stretches of time that a query may ask for: as many as rows. */
const mostBuckets = 10_000;

const hourMs = 3_600_000;
const unitMs: Readonly<Record<TimeUnit, number>> = {
  minute: 60_000,
  hour: hourMs,
  day: 24 * hourMs,
  week: 7 * 24 * hourMs,
  month: 28 * 24 * hourMs,
};

/** Plans a query. Throws QUERY_INVALID, and QUERY_TOO_EXPENSIVE for too many stretches of time. */
export function planQuery(request: QueryRequest, { tenantId, pseudonyms }: QueryScope): PlannedQuery {
  const scope = { allTenants: tenantId === undefined };
  const period = {
    from: timestampDate(request.timeRange!.startTime!),
    until: timestampDate(request.timeRange!.endTime!),
  };
  const groups = request.groupBy.map((one, i) => groupColumn(one, `group_by[${i}]`, scope));
  const aggregates = request.aggregations.map((one, i) => aggregateColumn(one, `aggregations[${i}]`, scope));
  const planned = groups.map((one) => one.planned);
  checkBuckets(planned, period);
  const columns = [...groups, ...aggregates].map((one) => ({ name: one.planned.name, unit: one.unit }));
  checkNames(
    columns.map(({ name }) => name),
    groups.length,
  );
  return {
    plan: {
      selection: selectionOf(everything(tenantId, period), request.filter, { field: "filter", pseudonyms }),
      groups: planned,
      aggregates: aggregates.map((one) => one.planned),
      orders: ordersOf(request, columns),
    },
    columns,
  };
}

/** Throws QUERY_TOO_EXPENSIVE when a period has more stretches of time than a query may ask for. */
export function checkBuckets(groups: readonly Group[], { from, until }: Period): void {
  for (const group of groups) {
    if (group.kind !== "time") continue;
    if ((until.getTime() - from.getTime()) / unitMs[group.unit] <= mostBuckets) continue;
    throw errors.queryTooExpensive({ bound: `${mostBuckets} times a ${group.unit}` });
  }
}

function checkNames(names: readonly string[], groups: number): void {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) === i) continue;
    const field = i < groups ? `group_by[${i}]` : `aggregations[${i - groups}].name`;
    throw invalid(field, `makes a second column ${name}`);
  }
}

function ordersOf({ orderBy }: QueryRequest, columns: PlannedQuery["columns"]): QueryPlan["orders"] {
  return orderBy.map(({ column, descending }, i) => {
    if (columns.some(({ name }) => name === column)) return { column, descending };
    const known = columns.map(({ name }) => name).join(", ");
    throw invalid(`order_by[${i}].column`, `is not among the columns, which are ${known}`);
  });
}
