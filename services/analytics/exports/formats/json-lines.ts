import type { DecisionRow } from "../../store/port.js";
import { exportColumns } from "../columns.js";

/** A JSON object in a line for each row, with every column; what a row does not have is null. */
export function jsonLines(rows: readonly DecisionRow[]): string {
  let lines = "";
  for (const row of rows) {
    const cells = exportColumns.map(({ name, of }) => [name, of(row)]);
    lines += `${JSON.stringify(Object.fromEntries(cells))}\n`;
  }
  return lines;
}
