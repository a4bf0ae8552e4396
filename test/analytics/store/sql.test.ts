import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duckdbDialect } from "../../../services/analytics/store/duckdb/dialect.js";
import { figures, type QueryPlan, type Selection } from "../../../services/analytics/store/port.js";
import { compileCount, compilePage } from "../../../services/analytics/store/sql/decisions.js";
import type { Dialect, Statement } from "../../../services/analytics/store/sql/dialect.js";
import { compileQuery } from "../../../services/analytics/store/sql/query.js";
import { allOf, anyPlan, bucket, by, planOf } from "./plans.js";

/** A dialect whose every word is known, so that whatever else stands in a statement came from a plan. */
const dialect: Dialect = {
  parameter: (position) => `$${position}`,
  epochMs: (time) => `epoch_ms(${time})`,
  startOfMonth: (ms) => `start_of_month(${ms})`,
  entry: (map, key) => `entry(${map}, ${key})`,
  keys: (map) => `keys(${map})`,
  elements: (list) => `elements(${list})`,
  isOneOf: (value, list) => `is_one_of(${value}, ${list})`,
  overlap: (list, other) => `overlap(${list}, ${other})`,
  percentile: (value, fraction) => `percentile(${value}, ${fraction})`,
};
/** One that has a word for several percentiles at once. */
const other: Dialect = {
  ...dialect,
  percentiles: (value, fractions) => `percentile(${value}, ${fractions.join(", ")})`,
};
const source = { decisions: "decisions", labels: "labels" };

const words = new Set(
  `select from where and or as with case when then else end is not null in join left cross on group by order
  asc desc nulls last limit offset distinct count over avg sum min max stddev_samp coalesce
  epoch_ms start_of_month entry keys elements is_one_of overlap percentile
  decisions labels total total_rows value one label
  tenant_id decision_id feedback_id time agent_id user_pseudonym verdict rule_ids model_version policy_digest
  composer stages frameworks rule_list framework_list rule_element framework_element label_element
  ${figures.join(" ")}`.split(/\s+/),
);

/** Lengths of time, and where weeks begin. */
const numbers = new Set(["0", "1", "60000", "3600000", "86400000", "604800000", "259200000"]);

/** Everything in the text that is no word of the whitelist, none of its numbers, no position and no alias. */
function strange(sql: string): string[] {
  const tokens = sql.replace(/\bp\d+\[\d+\]/g, "p0").match(/\$\d+|[A-Za-z_][A-Za-z0-9_]*|\d+|[^\s]/g) ?? [];
  return tokens.filter(
    (token) =>
      !(
        words.has(token) ||
        numbers.has(token) ||
        /^\$\d+$/.test(token) ||
        /^[a-z]\d*$/.test(token) ||
        /^[(),.*<>=%+-]$/.test(token)
      ),
  );
}

/** Text of any kind, and what breaks out of quotes. */
const hostile = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("'; drop table decisions; --", '"', "\\", "$1", "{x}", "/*", "\u0000", "') or 1=1 --"),
);

const hostileSelection: fc.Arbitrary<Selection> = fc.record({
  tenantId: fc.option(hostile, { nil: undefined }),
  from: fc.date({ min: new Date("2025-01-01"), max: new Date("2026-06-01"), noInvalidDate: true }),
  until: fc.date({ min: new Date("2026-06-01"), max: new Date("2027-12-31"), noInvalidDate: true }),
  agentIds: fc.array(hostile, { maxLength: 2 }),
  users: fc.array(hostile, { maxLength: 2 }),
  verdicts: fc.array(hostile, { maxLength: 2 }),
  ruleIds: fc.array(hostile, { maxLength: 2 }),
  labels: fc.array(hostile, { maxLength: 2 }),
  modelVersions: fc.array(hostile, { maxLength: 2 }),
  ranges: fc.array(
    fc.record({
      metric: fc.oneof(
        fc.record({ kind: fc.constant("figure" as const), figure: fc.constantFrom(...figures) }),
        fc.record({ kind: fc.constantFrom("stage" as const, "framework" as const), key: hostile }),
      ),
      min: fc.option(fc.double(), { nil: undefined }),
      max: fc.option(fc.double(), { nil: undefined }),
    }),
    { maxLength: 2 },
  ),
});

/** A plan of any shape in which every name and value is hostile. */
const hostilePlan: fc.Arbitrary<QueryPlan> = fc
  .tuple(anyPlan([undefined]), hostileSelection, fc.array(hostile, { minLength: 8, maxLength: 8 }))
  .map(([plan, selection, names]) => {
    const renamed = new Map(
      [...plan.groups, ...plan.aggregates].map(({ name }, n) => [name, `${n}${names[n]}`]),
    );
    const rename = <T extends { readonly name: string }>(column: T): T => ({
      ...column,
      name: renamed.get(column.name) ?? "",
      ...("metric" in column && { metric: { kind: "stage", key: names[0] } }),
    });
    return {
      ...plan,
      selection,
      groups: plan.groups.map(rename),
      aggregates: plan.aggregates.map(rename),
      orders: plan.orders.map((order) => ({ ...order, column: renamed.get(order.column) ?? "" })),
    };
  });

function positionsOf({ sql }: Statement): number[] {
  return [...new Set([...sql.matchAll(/\$(\d+)/g)].map(([, position]) => Number(position)))].sort(
    (a, b) => a - b,
  );
}

describe("compiled SQL", () => {
  it("holds nothing of a plan but words of the whitelist, whatever the plan says", () => {
    fc.assert(
      fc.property(hostilePlan, (plan) => {
        for (const query of [dialect, other].map((dialect) =>
          compileQuery({ plan, maxGroups: 12_345, maxValues: 67_890, dialect, source }),
        )) {
          expect(strange(query.sql)).toEqual([]);
          expect(positionsOf(query)).toEqual(query.parameters.map((_, n) => n));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("of reading and counting holds nothing of a selection either", () => {
    fc.assert(
      fc.property(hostileSelection, hostile, (selection, text) => {
        const after = { time: selection.from, decisionId: text, tenantId: text };
        const page = compilePage({ selection, dialect, source, columns: "d.verdict", after, limit: 12_345 });
        for (const statement of [page, compileCount({ selection, dialect, source })]) {
          expect(strange(statement.sql)).toEqual([]);
          expect(positionsOf(statement)).toEqual(statement.parameters.map((_, n) => n));
        }
      }),
      { numRuns: 100 },
    );
  });

  it("would not hide a value that were written into it", () => {
    expect(strange("select 'x' from decisions where time >= 12345")).toEqual(["'", "'", "12345"]);
    expect(strange("select password from accounts")).toEqual(["password", "accounts"]);
  });

  it("names the tenant wherever it reads", () => {
    const tenantId = "t";
    const plan = {
      ...planOf({ ...allOf(tenantId), labels: ["a"] }, [by("label")]),
      aggregates: [{ name: "n", kind: "distinct", dimension: "rule" }] as const,
    };
    const { sql } = compileQuery({ plan, maxGroups: 1, dialect, source });
    const reads = sql.match(/from (decisions|labels) /g) ?? [];
    expect(sql.match(/\.tenant_id = \$\d+/g)).toHaveLength(reads.length);
  });

  it("of a plan is refused where it orders by no column of it", () => {
    const plan = { ...planOf(allOf("t"), []), orders: [{ column: "nothing", descending: false }] };
    expect(() => compileQuery({ plan, maxGroups: 1, dialect, source })).toThrow();
  });

  it("of a time zone over more than 60 years is refused", () => {
    const years = { ...allOf("t"), from: new Date(0), until: new Date("2200-01-01") };
    const compile = (timeZone: string) =>
      compileQuery({ plan: planOf(years, [bucket("day", timeZone)]), maxGroups: 1, dialect, source });
    expect(() => compile("Europe/Vienna")).toThrow(/60 years of a time zone/);
    expect(() => compile("UTC")).not.toThrow();
  });

  it("of DuckDB casts every parameter to its type", () => {
    const { sql } = compileQuery({
      plan: planOf(allOf("t"), []),
      maxGroups: 1,
      dialect: duckdbDialect,
      source,
    });
    expect(sql.match(/\$\d+(?!\d|::)/g)).toBeNull();
  });
});
