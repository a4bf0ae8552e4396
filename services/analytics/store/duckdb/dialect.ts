import type { Dialect, ParameterType } from "../sql/dialect.js";

const types: Readonly<Record<ParameterType, string>> = {
  text: "varchar",
  texts: "varchar[]",
  number: "double",
  integer: "bigint",
  time: "timestamp",
};

/** SQL as DuckDB writes it. */
export const duckdbDialect: Dialect = {
  parameter: (position, type) => `$${position + 1}::${types[type]}`,
  epochMs: (time) => `epoch_ms(${time})`,
  startOfMonth: (ms) => `epoch_ms(date_trunc('month', make_timestamp((${ms}) * 1000)))`,
  entry: (map, key) => `${map}[${key}]`,
  keys: (map) => `map_keys(${map})`,
  elements: (list) => `unnest(${list})`,
  isOneOf: (value, list) => `list_contains(${list}, ${value})`,
  overlap: (list, other) => `list_has_any(${list}, ${other})`,
  percentile: (value, fraction) => `quantile_cont(${value}, ${fraction})`,
  percentiles: (value, fractions) => `quantile_cont(${value}, [${fractions.join(", ")}])`,
};
