import type { DuckDBConnection } from "@duckdb/node-api";
import type { Selection } from "../port.js";
import type { Source } from "../sql/dialect.js";
import { decisionColumns, definitionOf, labelColumns } from "./columns.js";

/**
 * Decisions are kept in a table for each month of their times in UTC, which
 * retention drops whole. Months and not days: seven years are 84 tables, and a
 * query of an hour reads little of its month all the same, as rows arrive nearly
 * in the order of time and DuckDB knows the least and greatest time of every
 * 122,880. Queries name the months that they need, so there is no view.
 */
export interface Partitions {
  /** Months there are, such as `2026_11`, in order. */
  months(): readonly string[];
  /** Where SQL finds the decisions that a selection may have. */
  source(selection: Pick<Selection, "from" | "until">): Source;
  /** Takes note of a committed table. */
  made(month: string): void;
  dropped(month: string): void;
}

export const labelsTable = "labels";

/** Holds nothing: what a selection of no month reads. */
const emptyTable = "decisions_of_no_month";

export function tableOf(month: string): string {
  return `decisions_${month}`;
}

export function monthOf(time: Date): string {
  return time.toISOString().slice(0, "2026-11".length).replace("-", "_");
}

export function startOf(month: string): Date {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)) - 1));
}

/** The first moment of the month after. */
export function endOf(month: string): Date {
  return new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5))));
}

export function createMonth(month: string): string {
  return `create table if not exists ${tableOf(month)} (${definitionOf(decisionColumns)})`;
}

/** Makes what lacks of the tables, and finds the months there are. */
export async function openPartitions(connection: DuckDBConnection): Promise<Partitions> {
  await connection.run(`create table if not exists ${emptyTable} (${definitionOf(decisionColumns)})`);
  await connection.run(`create table if not exists ${labelsTable} (${definitionOf(labelColumns)})`);
  const tables = await connection.runAndReadAll("select table_name from duckdb_tables()");
  const found = tables
    .getRows()
    .flatMap(([name]) => /^decisions_(\d{4}_\d{2})$/.exec(String(name))?.[1] ?? []);
  const months = new Set(found);
  return {
    months: () => [...months].sort(),
    source: ({ from, until }) => {
      const wanted = [...months].filter((month) => overlaps(month, from, until)).sort();
      const tables = wanted.map((month) => `select * from ${tableOf(month)}`);
      const decisions = tables.length === 0 ? emptyTable : `(${tables.join(" union all ")})`;
      return { decisions, labels: labelsTable };
    },
    made: (month) => {
      months.add(month);
    },
    dropped: (month) => {
      months.delete(month);
    },
  };
}

function overlaps(month: string, from: Date, until: Date): boolean {
  return startOf(month) < until && endOf(month) > from;
}
