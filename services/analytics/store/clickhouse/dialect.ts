import type { Dialect, Parameter, ParameterType } from "../sql/dialect.js";

const types: Readonly<Record<ParameterType, string>> = {
  text: "String",
  texts: "Array(String)",
  number: "Float64",
  integer: "Int64",
  time: "Int64",
};

/** SQL of ClickHouse over the tables of schema.ts. */
export const dialect: Dialect = {
  parameter: (position, type) => {
    const name = `{${nameOf(position)}:${types[type]}}`;
    return type === "time" ? `fromUnixTimestamp64Milli(${name}, 'UTC')` : name;
  },
  epochMs: (time) => `toUnixTimestamp64Milli(${time})`,
  startOfMonth: (ms) =>
    `toInt64(toUnixTimestamp(toStartOfMonth(fromUnixTimestamp64Milli(${ms}, 'UTC')), 'UTC')) * 1000`,
  entry: (map, key) => `if(mapContains(${map}, ${key}), ${map}[${key}], null)`,
  keys: (map) => `mapKeys(${map})`,
  elements: (list) => `arrayJoin(${list})`,
  isOneOf: (value, list) => `has(${list}, ${value})`,
  overlap: (list, other) => `hasAny(${list}, ${other})`,
  percentile: (value, fraction) => `quantileExactInclusive(${fraction})(${value})`,
  percentiles: (value, fractions) => `quantilesExactInclusive(${fractions.join(", ")})(${value})`,
};

/** The parameters of a statement by name, as the client takes them. */
export function namedParameters(parameters: readonly Parameter[]): Record<string, unknown> {
  return Object.fromEntries(parameters.map((parameter, n) => [nameOf(n), clientValue(parameter)]));
}

const nameOf = (position: number) => `p${position + 1}`;

function clientValue({ type, value }: Parameter): unknown {
  return type === "time" ? value.getTime() : value;
}
