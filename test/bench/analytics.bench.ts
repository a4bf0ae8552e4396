import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { createMonth, monthOf, startOf, tableOf } from "../../services/analytics/store/duckdb/partitions.js";
import { openDuckdb } from "../../services/analytics/store/duckdb/store.js";
import {
  type ColumnStore,
  figures,
  type QueryPlan,
  type Selection,
} from "../../services/analytics/store/port.js";
import { generate, inSequence } from "../analytics/store/decisions.js";
import { allOf, bucket, by, planOf } from "../analytics/store/plans.js";
import type { Bench } from "./main.js";
import { median, type Row } from "./rows.js";

const tenantId = "bench";
const months = ["2026-05-15", "2026-06-15", "2026-07-15"].map((day) => monthOf(new Date(day)));
const repetitions = 20;
const bounds = { timeMs: 600_000, groups: 100_000 };

/**
 * What DuckDB does with decisions: keeping them, and percentiles over many.
 * `--rows 1000000,10000000` says over how many, `--ingest 100000` how many are
 * kept one batch after the other.
 */
export const bench: Bench = async (args) => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rows: { type: "string", default: "1000000,10000000" },
      ingest: { type: "string", default: "100000" },
    },
    strict: false,
  });
  const rows = [
    ...(await ingest(Number(values.ingest), 5000)),
    ...(await ingest(Number(values.ingest), 500)),
  ];
  for (const count of String(values.rows).split(",")) rows.push(...(await percentiles(Number(count))));
  return rows;
};

async function ingest(count: number, size: number): Promise<Row[]> {
  return inDirectory(async (directory) => {
    const { decisions } = inSequence(generate({ count, seed: 1, tenantIds: [tenantId] }), 10);
    const store = await openDuckdb({ directory });
    const times: number[] = [];
    const begun = performance.now();
    const cpu = process.cpuUsage();
    for (let at = 0; at < count; at += size) {
      const from = performance.now();
      await store.append({ decisions: decisions.slice(at, at + size), labels: [] });
      times.push(performance.now() - from);
    }
    const { user, system } = process.cpuUsage(cpu);
    const rate = Math.round(count / ((performance.now() - begun) / 1000));
    await store.close();
    const what = `batches of ${size.toLocaleString("en")}`;
    return [
      { measure: `decisions kept durably, ${what}`, value: rate, unit: "decisions/s" },
      { measure: "… CPU of one", value: round((user + system) / count), unit: "µs" },
      { measure: "… a batch, p50", value: round(median(times)), unit: "ms" },
      { measure: "… a batch, p95", value: round(p95(times)), unit: "ms" },
    ];
  });
}

async function percentiles(count: number): Promise<Row[]> {
  return inDirectory(async (directory) => {
    await fill(directory, count);
    const store = await openDuckdb({ directory });
    const all = allOf(tenantId);
    const day: Selection = { ...all, from: new Date("2026-07-10"), until: new Date("2026-07-11") };
    const sorting = await timesOf(async () => sortInNode(count), 3);
    const named = `${count.toLocaleString("en")} decisions`;
    const rows = [
      ...(await measured(store, `p50, p95 and p99 of ${named}`, planOf(all, [], spread), sorting)),
      ...(await measured(store, `… by verdict`, planOf(all, [by("verdict")], spread))),
      ...(await measured(store, `… by day in Vienna`, planOf(all, [bucket("day", "Europe/Vienna")], spread))),
      ...(await measured(
        store,
        `… of one day of them, by hour`,
        planOf(day, [bucket("hour", "Europe/Vienna")], spread),
      )),
      {
        measure: "memory of the process, at most until here",
        value: Math.round(process.resourceUsage().maxRSS / 1024),
        unit: "MiB",
      },
    ];
    await store.close();
    return rows;
  });
}

const spread = [50, 95, 99].map(
  (percentile) =>
    ({
      name: `p${percentile}`,
      kind: "percentile",
      metric: { kind: "figure", figure: "total_ms" },
      percentile,
    }) as const,
);

async function measured(
  store: ColumnStore,
  measure: string,
  plan: QueryPlan,
  beside?: readonly number[],
): Promise<Row[]> {
  await store.query(plan, bounds);
  const times = await timesOf(() => store.query(plan, bounds), repetitions);
  const compared = beside
    ? { ratio: median(beside) / median(times), to: "sorting as many numbers in Node" }
    : {};
  return [
    { measure: `${measure}, p50`, value: round(median(times)), unit: "ms", ...compared },
    { measure: "… p95", value: round(p95(times)), unit: "ms" },
  ];
}

/** Makes the rows in DuckDB: as many through the store would take an hour. */
async function fill(directory: string, count: number): Promise<void> {
  await (await openDuckdb({ directory })).close();
  const instance = await DuckDBInstance.create(join(directory, "analytics.duckdb"));
  const connection = await instance.connect();
  const each = Math.ceil(count / months.length);
  const values = figures.map((figure) =>
    figure.endsWith("_ms") ? "round(exp(random() * 6), 3)" : "round(random(), 4)",
  );
  for (const month of months) {
    const begin = `timestamp '${startOf(month).toISOString().slice(0, 10)}'`;
    const time = `${begin} + to_milliseconds((range * ${(28 * 86_400_000) / each})::bigint)`;
    await connection.run(createMonth(month));
    await connection.run(
      `insert into ${tableOf(month)} select '${tenantId}', 'd' || range, 'r' || range, ${time}, ${time}, '',
       'u' || (range % 1000), ['approved', 'blocked', 'modified'][range % 3 + 1],
       case when range % 5 = 0 then ['fraud', 'privacy'] else [] end, '1', 'p', 'extractive', false, ${values.join(", ")},
       map {'retrieve': round(random() * 5, 3)}, map {'care': round(random(), 4)}
       from range(${each})`,
    );
  }
  connection.closeSync();
  instance.closeSync();
}

function sortInNode(count: number): void {
  Float64Array.from({ length: count }, () => Math.exp(Math.random() * 6)).sort();
}

async function timesOf(work: () => Promise<unknown>, times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let n = 0; n < times; n++) {
    const from = performance.now();
    await work();
    taken.push(performance.now() - from);
  }
  return taken;
}

async function inDirectory<R>(work: (directory: string) => Promise<R>): Promise<R> {
  const directory = await mkdtemp(join(tmpdir(), "bench-analytics-"));
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function p95(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.NaN;
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
