import {
  AggregateFunction,
  AggregateFunctionSchema,
  type Aggregation,
  type Grouping,
  type TimeUnit,
  TimeUnitSchema,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { Dimension, Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type { Aggregate, Group } from "../store/port.js";
import type * as store from "../store/terms.js";
import { dimensionOf } from "./dimensions.js";
import { isKeyed, metricName, metricOf, type Unit, unitOf } from "./metrics.js";
import { invalid } from "./query-error.js";
import { timeZoneOf } from "./time-zone.js";

/** A column of an answer: what the store computes, and the unit of its values. */
export interface PlannedColumn<T> {
  readonly planned: T;
  readonly unit: Unit;
}

/** What the caller may ask for. */
export interface ColumnScope {
  /** Whether every tenant's decisions count. */
  readonly allTenants: boolean;
}

const longestName = 63;
const functionNames = enumNames<AggregateFunction>(AggregateFunctionSchema);
const unitNames = enumNames<TimeUnit>(TimeUnitSchema);

/** The column of a grouping. Throws QUERY_INVALID. */
export function groupColumn({ by }: Grouping, field: string, scope: ColumnScope): PlannedColumn<Group> {
  if (by.case === "time") {
    const unit = unitNames.nameOf(by.value.unit).toLowerCase() as store.TimeUnit;
    const timeZone = timeZoneOf(by.value.timeZone);
    if (timeZone === undefined) {
      throw invalid(`${field}.time.time_zone`, "is no name in the IANA database");
    }
    return { planned: { name: unit, kind: "time", unit, timeZone }, unit: "time" };
  }
  const dimension = checkedDimension(by.value ?? Dimension.UNSPECIFIED, `${field}.dimension`, scope);
  return { planned: { name: dimension, kind: "dimension", dimension }, unit: "" };
}

/** The column of an aggregation. Throws QUERY_INVALID. */
export function aggregateColumn(
  aggregation: Aggregation,
  field: string,
  scope: ColumnScope,
): PlannedColumn<Aggregate> {
  const { planned, unit, name: own } = computed(aggregation, field, scope);
  const name = aggregation.name || own;
  if (name.length > longestName) {
    throw invalid(
      `${field}.name`,
      `is needed, as the name by default has more than ${longestName} characters`,
    );
  }
  return { planned: { ...planned, name }, unit };
}

interface Computed extends PlannedColumn<store.Aggregation> {
  /** By default. */
  readonly name: string;
}

function computed(aggregation: Aggregation, field: string, scope: ColumnScope): Computed {
  const { function: wanted, metric, percentile, dimension } = aggregation;
  const base = functionNames.nameOf(wanted).toLowerCase();
  if (percentile !== undefined && wanted !== AggregateFunction.PERCENTILE) {
    throw invalid(`${field}.percentile`, "is for PERCENTILE alone");
  }
  if (dimension !== Dimension.UNSPECIFIED && wanted !== AggregateFunction.DISTINCT) {
    throw invalid(`${field}.dimension`, "is for DISTINCT alone");
  }
  checkKey(aggregation, field);
  if (wanted === AggregateFunction.DISTINCT) {
    if (metric !== Metric.UNSPECIFIED) throw invalid(`${field}.metric`, "is not for DISTINCT");
    const of = checkedDimension(dimension, `${field}.dimension`, scope);
    return { planned: { kind: "distinct", dimension: of }, unit: "count", name: `${base}_${of}` };
  }
  if (metric === Metric.UNSPECIFIED) {
    if (wanted !== AggregateFunction.COUNT) throw invalid(`${field}.metric`, "is needed");
    return { planned: { kind: "count" }, unit: "count", name: base };
  }
  return ofMetric(aggregation, field, base);
}

function ofMetric(aggregation: Aggregation, field: string, base: string): Computed {
  const metric = metricOf(aggregation);
  const unit = unitOf(aggregation.metric);
  const name = `${base}_${metricName(aggregation)}`;
  const { percentile } = aggregation;
  switch (aggregation.function) {
    case AggregateFunction.COUNT:
      return { planned: { kind: "count", metric }, unit: "count", name };
    case AggregateFunction.PERCENTILE: {
      if (percentile === undefined) throw invalid(`${field}.percentile`, "is needed");
      const digits = String(percentile).replace(/[^0-9]/g, "_");
      return {
        planned: { kind: "percentile", metric, percentile },
        unit,
        name: `${base}_${digits}_${metricName(aggregation)}`,
      };
    }
    default:
      return { planned: { kind: base as "average" | "sum" | "min" | "max", metric }, unit, name };
  }
}

/** Refuses a metric without the key that it needs, and a key that nothing needs. */
export function checkKey({ metric, key }: Pick<Aggregation, "metric" | "key">, field: string): void {
  if (isKeyed(metric) && key === "") throw invalid(`${field}.key`, "is needed for this metric");
  if (!isKeyed(metric) && key !== "") throw invalid(`${field}.key`, "is not for this metric");
}

function checkedDimension(dimension: Dimension, field: string, { allTenants }: ColumnScope): store.Dimension {
  if (dimension === Dimension.UNSPECIFIED) throw invalid(field, "is needed");
  if (dimension === Dimension.TENANT && !allTenants) throw invalid(field, "takes all_tenants");
  return dimensionOf(dimension);
}
