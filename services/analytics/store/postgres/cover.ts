import type { QueryPlan } from "../port.js";
import type { Dimension } from "../terms.js";
import { stretchesOf } from "../time-zone.js";
import { type RolledUp, type Rollup, rollups } from "./rollup.js";
import { seriesColumnOf } from "./series.js";

/** A stretch of time and what is read for it: a rollup, or the decisions themselves. */
export interface Piece {
  readonly rollup: Rollup | undefined;
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Lengths of buckets that have one whatever the zone; those of weeks and months are multiples of the last. */
const bucketMs = { minute: 60_000, hour: 3_600_000, day: 86_400_000, week: 86_400_000, month: 86_400_000 };

/**
 * Cuts a plan's time into pieces, each with the coarsest rollup that answers for
 * it: whole days, then the hours and minutes around them, and the decisions of
 * what is left at the ends. Undefined where the plan asks for what rollups do not
 * know, or no rollup has a part in it.
 */
export function coverOf(plan: QueryPlan): readonly Piece[] | undefined {
  const dimensions = dimensionsOf(plan);
  if (!dimensions) return undefined;
  const { from, until } = plan.selection;
  const fitting = rollups.filter(
    (rollup) => dimensions.every((one) => rollup.dimensions.includes(one)) && cutsWith(plan, rollup.ms),
  );
  // Of those with stretches of one length, the first has the fewest rows.
  const best = fitting.filter(({ ms }, n) => ms !== fitting[n - 1]?.ms);
  const pieces = cut(from.getTime(), until.getTime(), best);
  return pieces.some(({ rollup }) => rollup) ? pieces : undefined;
}

/** The dimensions that a plan filters and groups by and counts; undefined where rollups do not have them all. */
function dimensionsOf({ selection, groups, aggregates }: QueryPlan): RolledUp[] | undefined {
  const { users, ruleIds, labels, ranges, agentIds, verdicts, modelVersions } = selection;
  if ([users, ruleIds, labels, ranges].some((filters) => filters.length > 0)) return undefined;
  const named = [...groups, ...aggregates].flatMap((one) => ("dimension" in one ? [one.dimension] : []));
  if (!named.every(isRolledUp)) return undefined;
  return [
    ...named,
    ...(agentIds.length > 0 ? ["agent" as const] : []),
    ...(verdicts.length > 0 ? ["verdict" as const] : []),
    ...(modelVersions.length > 0 ? ["model_version" as const] : []),
  ];
}

function isRolledUp(dimension: Dimension): dimension is RolledUp {
  return dimension in seriesColumnOf;
}

/** Whether every bucket that the plan asks for begins where a stretch of this length does. */
function cutsWith({ groups, selection: { from, until } }: QueryPlan, ms: number): boolean {
  return groups.every((group) => {
    if (group.kind !== "time") return true;
    const stretches = stretchesOf(group.timeZone, from.getTime(), until.getTime());
    const changes = stretches.slice(1).map(({ fromMs }) => fromMs);
    const offsets = stretches.map(({ offsetMs }) => offsetMs);
    return bucketMs[group.unit] % ms === 0 && [...changes, ...offsets].every((at) => at % ms === 0);
  });
}

function cut(fromMs: number, untilMs: number, best: readonly Rollup[]): Piece[] {
  if (fromMs >= untilMs) return [];
  const [rollup, ...finer] = best;
  if (!rollup) return [{ rollup, fromMs, untilMs }];
  const first = Math.ceil(fromMs / rollup.ms) * rollup.ms;
  const last = Math.floor(untilMs / rollup.ms) * rollup.ms;
  if (first >= last) return cut(fromMs, untilMs, finer);
  return [
    ...cut(fromMs, first, finer),
    { rollup, fromMs: first, untilMs: last },
    ...cut(last, untilMs, finer),
  ];
}
