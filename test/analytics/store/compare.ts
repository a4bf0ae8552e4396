import type { QueryPlan, Value } from "../../../services/analytics/store/port.js";

/** How far two computations of a figure may be apart when both are right, of its value. */
const rounding = 1e-9;

/** Why an answer is not the expected one; undefined when it is. */
export function difference(
  plan: QueryPlan,
  actual: readonly Value[][],
  expected: readonly Value[][],
  percentileError = rounding,
): string | undefined {
  if (actual.length !== expected.length) return `${actual.length} rows instead of ${expected.length}`;
  const names = [...plan.groups, ...plan.aggregates].map(({ name }) => name);
  const errors = [
    ...plan.groups.map(() => 0),
    ...plan.aggregates.map(({ kind }) => (kind === "percentile" ? percentileError : rounding)),
  ];
  for (const [n, row] of expected.entries()) {
    for (const [column, value] of row.entries()) {
      const given = actual[n]?.[column];
      if (same(given, value, errors[column] ?? 0)) continue;
      return `row ${n}, ${names[column]} (${JSON.stringify(plan.aggregates[column - plan.groups.length] ?? {})}): ${shown(given)} instead of ${shown(value)}`;
    }
  }
  return undefined;
}

function same(actual: Value | undefined, expected: Value, error: number): boolean {
  if (typeof actual !== "number" || typeof expected !== "number") {
    return actual instanceof Date && expected instanceof Date
      ? actual.getTime() === expected.getTime()
      : actual === expected;
  }
  return Math.abs(actual - expected) <= error * Math.max(1, Math.abs(expected));
}

function shown(value: Value | undefined): string {
  return value instanceof Date ? value.toISOString() : JSON.stringify(value);
}
