import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { validationFailed } from "../../kit/errors.js";
import type { Group } from "../store/port.js";
import type { TimeUnit } from "../store/terms.js";
import { checkBuckets } from "./plan-query.js";
import type { Period } from "./selection.js";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** The period that a request names: the 24 hours before its end, which is `now`, by default. Throws VALIDATION_FAILED. */
export function periodOf(
  {
    startTime,
    endTime,
  }: { readonly startTime?: Timestamp | undefined; readonly endTime?: Timestamp | undefined },
  now: number,
): Period {
  const until = endTime ? timestampDate(endTime) : new Date(now);
  const from = startTime ? timestampDate(startTime) : new Date(until.getTime() - dayMs);
  if (from < until) return { from, until };
  throw validationFailed([{ field: "end_time", description: "must be after start_time" }]);
}

/** Length of a period, in seconds. */
export function secondsOf({ from, until }: Period): number {
  return (until.getTime() - from.getTime()) / 1000;
}

/**
 * The stretches in which the course of a period is told: minutes up to 3 hours,
 * hours up to 14 days, days beyond, of UTC, in the column `time`. Throws QUERY_TOO_EXPENSIVE.
 */
export function courseOf(period: Period): Group {
  const length = secondsOf(period) * 1000;
  const unit: TimeUnit = length <= 3 * hourMs ? "minute" : length <= 14 * dayMs ? "hour" : "day";
  const group: Group = { name: "time", kind: "time", unit, timeZone: "UTC" };
  checkBuckets([group], period);
  return group;
}
