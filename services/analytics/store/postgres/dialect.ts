import type { Dialect, Parameter, ParameterType } from "../sql/dialect.js";

const types: Readonly<Record<ParameterType, string>> = {
  text: "text",
  texts: "text[]",
  number: "double precision",
  integer: "bigint",
  time: "timestamptz",
};

/** SQL of PostgreSQL over the tables of this folder's migrations. */
export const dialect: Dialect = {
  parameter: (position, type) => `$${position + 1}::${types[type]}`,
  // date_part answers a double, extract a numeric, which takes longer.
  epochMs: (time) => `(date_part('epoch', ${time}) * 1000)::bigint`,
  startOfMonth: (ms) =>
    `(date_part('epoch', date_trunc('month', to_timestamp((${ms}) / 1000.0) at time zone 'UTC')) * 1000)::bigint`,
  entry: (map, key) => `(${map}).numbers[array_position((${map}).names, ${key})]`,
  keys: (map) => `(${map}).names`,
  elements: (list) => `unnest(${list})`,
  isOneOf: (value, list) => `${value} = any(${list})`,
  overlap: (list, other) => `${list} && ${other}`,
  percentile: (value, fraction) => `percentile_cont(${fraction}) within group (order by ${value})`,
  percentiles: (value, fractions) =>
    `percentile_cont(array[${fractions.join(", ")}]) within group (order by ${value})`,
};

/** The value of a parameter as the driver takes it. */
export function parameterValue({ type, value }: Parameter): unknown {
  return type === "integer" ? String(value) : value;
}
