import type { DecisionRow } from "../../store/port.js";
import { type Cell, type CellType, exportColumns } from "../columns.js";

/** How a cell of each type is written; figures of decisions are finite. */
const writers: Readonly<Record<CellType, (cell: never) => string>> = {
  text: (cell: string) => JSON.stringify(cell),
  number: (cell: number) => String(cell),
  time: (cell: Date) => `"${cell.toISOString()}"`,
  truth: (cell: boolean) => String(cell),
  texts: (cell: readonly string[]) => JSON.stringify(cell),
  numbers: (cell: Readonly<Record<string, number>>) => JSON.stringify(cell),
};
const plan = exportColumns.map(({ name, type, of }, n) => ({
  key: `${n === 0 ? "{" : ","}"${name}":`,
  of,
  write: writers[type] as (cell: Cell) => string,
}));

/** A JSON object in a line for each row, with every column; what a row does not have is null. */
export function jsonLines(rows: readonly DecisionRow[]): string {
  let lines = "";
  for (const row of rows) {
    for (const { key, of, write } of plan) {
      const cell = of(row);
      lines += key + (cell === null ? "null" : write(cell));
    }
    lines += "}\n";
  }
  return lines;
}
