import type { Group, Selection } from "../port.js";
import type { TimeUnit } from "../terms.js";
import { firstShowing, type Stretch, stretchesOf } from "../time-zone.js";
import type { Dialect } from "./dialect.js";
import type { Bind } from "./parameters.js";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const weekMs = 7 * dayMs;

/** The Unix epoch was a Thursday, three days after a Monday. */
const sinceMondayMs = 3 * dayMs;

/** The longest bucket, and a time zone's difference: where the first one may begin before the selection. */
const leadMs = 33 * dayMs;

/** How decisions are put into stretches of time. */
export interface Bucket {
  /** An integer that tells the bucket of a decision at `ms`, in the order of time. */
  sql(ms: string): string;
  /** Where the bucket of that integer begins. */
  begins(value: number): Date;
}

/**
 * Minutes and hours count from the offset that is in force, so that the hour
 * which clocks show twice is two; the longer ones go by the date that clocks show.
 */
export function bucketOf(
  { unit, timeZone }: Extract<Group, { kind: "time" }>,
  { from, until }: Selection,
  dialect: Dialect,
  bind: Bind,
): Bucket {
  const stretches = stretchesOf(timeZone, from.getTime() - leadMs, until.getTime());
  const offset = offsetSql(stretches, bind);
  const local = (ms: string) => `(${ms} + ${offset(ms)})`;
  if (unit === "minute" || unit === "hour") {
    const length = unit === "minute" ? minuteMs : hourMs;
    return { sql: (ms) => `${ms} - ${local(ms)} % ${length}`, begins: (value) => new Date(value) };
  }
  return {
    sql: (ms) => dateSql(unit, local(ms), dialect),
    begins: (value) => new Date(firstShowing(stretches, value)),
  };
}

function dateSql(unit: Exclude<TimeUnit, "minute" | "hour">, local: string, dialect: Dialect): string {
  if (unit === "month") return dialect.startOfMonth(local);
  if (unit === "week") return `${local} - (${local} + ${sinceMondayMs}) % ${weekMs}`;
  return `${local} - ${local} % ${dayMs}`;
}

/** The offset at a moment, found by halving, so that many changes of clocks cost few comparisons. */
function offsetSql(stretches: readonly Stretch[], bind: Bind): (ms: string) => string {
  const offsets = stretches.map(({ offsetMs }) => bind({ type: "integer", value: offsetMs }));
  const changes = stretches.slice(1).map(({ fromMs }) => bind({ type: "integer", value: fromMs }));
  const between = (ms: string, first: number, end: number): string => {
    if (end - first <= 1) return offsets[first] ?? "0";
    const middle = (first + end) >> 1;
    const [before, after] = [between(ms, first, middle), between(ms, middle, end)];
    return `case when ${ms} < ${changes[middle - 1]} then ${before} else ${after} end`;
  };
  return (ms) => between(ms, 0, offsets.length);
}
