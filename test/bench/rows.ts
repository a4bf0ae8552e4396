/** One measurement, alone or beside another. */
export interface Row {
  readonly measure: string;
  readonly value: number;
  readonly unit: string;
  /** How many times better than `to`. */
  readonly ratio?: number;
  readonly to?: string;
  /** What was to be reached, in words. */
  readonly goal?: string;
  readonly met?: boolean;
}

/** The rows as a table for a terminal. */
export function formatRows(rows: readonly Row[]): string {
  const cells = rows.map(({ measure, value, unit, ratio, to, goal, met }) => [
    measure,
    `${value} ${unit}`,
    ratio === undefined ? "" : `${ratio.toFixed(2)} × ${to}`,
    goal === undefined ? "" : `${goal}${met ? "" : " (missed)"}`,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** The middle of the numbers. */
export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
