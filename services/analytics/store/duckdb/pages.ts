import type { DecisionRow, Selection } from "../port.js";
import { type Cursor, compilePage } from "../sql/decisions.js";
import { decisionJson, decisionOf } from "./columns.js";
import { duckdbDialect } from "./dialect.js";
import { endOf, type Partitions, startOf } from "./partitions.js";
import type { Reading } from "./reading.js";

export interface PagesOptions {
  readonly selection: Selection;
  readonly partitions: Partitions;
  readonly reads: Reading;
  /** How long one page may take, in milliseconds. */
  readonly timeMs: number;
  readonly signal?: AbortSignal | undefined;
}

const pageRows = 8192;
const firstWindowMs = 3_600_000;

/**
 * Reads decisions page by page, with nothing open in between, however long the
 * caller takes. There is no index by time: a page sorts a window of time, so
 * long that it should hold twice the rows of a page, by the one before.
 */
export async function* readDecisions(options: PagesOptions): AsyncGenerator<readonly DecisionRow[]> {
  const { selection, partitions } = options;
  const window = { ms: firstWindowMs };
  for (const month of partitions.months()) {
    const from = new Date(Math.max(startOf(month).getTime(), selection.from.getTime()));
    const until = new Date(Math.min(endOf(month).getTime(), selection.until.getTime()));
    if (from < until) yield* readMonth({ ...selection, from, until }, window, options);
  }
}

async function* readMonth(
  month: Selection,
  window: { ms: number },
  options: PagesOptions,
): AsyncGenerator<readonly DecisionRow[]> {
  const end = month.until.getTime();
  let from = month.from;
  let after: Cursor | undefined;
  while (from.getTime() < end) {
    const until = new Date(Math.min(end, from.getTime() + window.ms));
    const page = await readPage({ ...month, from, until }, after, options);
    if (page.length > 0) yield page;
    after = page.length === pageRows ? page.at(-1) : undefined;
    const growth = Math.min(16, (2 * pageRows) / (page.length + 1));
    window.ms = after ? 2 * (after.time.getTime() - from.getTime()) + 1 : growth * window.ms;
    from = after?.time ?? until;
  }
}

async function readPage(
  selection: Selection,
  after: Cursor | undefined,
  { partitions, reads, timeMs, signal }: PagesOptions,
): Promise<DecisionRow[]> {
  const page = compilePage({
    selection,
    dialect: duckdbDialect,
    source: partitions.source(selection),
    columns: decisionJson,
    after,
    limit: pageRows,
  });
  const answer = await reads.run(page, { timeMs, signal });
  return answer.getColumns()[0]?.map(decisionOf) ?? [];
}
