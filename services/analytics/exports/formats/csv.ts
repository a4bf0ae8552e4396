import type { DecisionRow } from "../../store/port.js";
import { type Cell, exportColumns } from "../columns.js";

/** What spreadsheets take for the beginning of a formula, some after white space that they drop. */
const formula = /^[=+\-@\t\r]/;
const needsQuotes = /[",\r\n]|^\s|\s$/;

/** The first line of every file. */
export const csvHeader = lineOf(exportColumns.map(({ name }) => name));

/** Lines of a file by RFC 4180. Lists and maps are JSON in their cells; what a row does not have is empty. */
export function csvLines(rows: readonly DecisionRow[]): string {
  let lines = "";
  for (const row of rows) lines += lineOf(exportColumns.map(({ of }) => textOf(of(row))));
  return lines;
}

function lineOf(cells: readonly string[]): string {
  return `${cells.map(quoted).join(",")}\r\n`;
}

function textOf(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "string") return formula.test(cell) ? `'${cell}` : cell;
  if (cell instanceof Date) return cell.toISOString();
  return typeof cell === "object" ? JSON.stringify(cell) : String(cell);
}

function quoted(text: string): string {
  return needsQuotes.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
