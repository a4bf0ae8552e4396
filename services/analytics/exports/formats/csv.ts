import type { DecisionRow } from "../../store/port.js";
import { type Cell, type CellType, exportColumns } from "../columns.js";

/** What spreadsheets take for the beginning of a formula, some after white space that they drop. */
const formula = /^[=+\-@\t\r]/;
const needsQuotes = /[",\r\n]|^\s|\s$/;

/** How a cell of each type is written, planned once, as most can need neither quotes nor a guard. */
const writers: Readonly<Record<CellType, (cell: never) => string>> = {
  text: (cell: string) => quoted(formula.test(cell) ? `'${cell}` : cell),
  number: (cell: number) => String(cell),
  time: (cell: Date) => cell.toISOString(),
  truth: (cell: boolean) => String(cell),
  texts: (cell: readonly string[]) => quoted(JSON.stringify(cell)),
  numbers: (cell: Readonly<Record<string, number>>) => quoted(JSON.stringify(cell)),
};
const plan = exportColumns.map(({ type, of }) => ({ of, write: writers[type] as (cell: Cell) => string }));

/** The first line of every file. */
export const csvHeader = `${exportColumns.map(({ name }) => name).join(",")}\r\n`;

/** Lines of a file by RFC 4180. Lists and maps are JSON in their cells; what a row does not have is empty. */
export function csvLines(rows: readonly DecisionRow[]): string {
  let lines = "";
  for (const row of rows) {
    for (const [n, { of, write }] of plan.entries()) {
      const cell = of(row);
      if (n > 0) lines += ",";
      if (cell !== null) lines += write(cell);
    }
    lines += "\r\n";
  }
  return lines;
}

function quoted(text: string): string {
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
