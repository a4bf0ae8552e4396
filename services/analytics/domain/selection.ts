import type { Filter, MetricRange } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { type Verdict, VerdictSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type { Range, Selection } from "../store/port.js";
import { checkKey } from "./columns.js";
import { metricOf } from "./metrics.js";
import { isPseudonym, type Pseudonyms } from "./pseudonyms.js";
import { invalid } from "./query-error.js";

/** From when to when: inclusive, exclusive. */
export interface Period {
  readonly from: Date;
  readonly until: Date;
}

const verdictNames = enumNames<Verdict>(VerdictSchema);

/** Name of a verdict as it is kept. */
export function verdictName(verdict: Verdict): string {
  return verdictNames.nameOf(verdict).toLowerCase();
}

/** Every decision of a tenant, of all of them where it is undefined, in a period. */
export function everything(tenantId: string | undefined, { from, until }: Period): Selection {
  return {
    tenantId,
    from,
    until,
    agentIds: [],
    users: [],
    verdicts: [],
    ruleIds: [],
    labels: [],
    modelVersions: [],
    ranges: [],
  };
}

/** What a filter of a request selects; `field` is its name. Throws QUERY_INVALID. */
export function selectionOf(
  all: Selection,
  filter: Filter | undefined,
  { field, pseudonyms }: { readonly field: string; readonly pseudonyms: Pseudonyms },
): Selection {
  if (!filter) return all;
  return {
    ...all,
    agentIds: filter.agentIds,
    users: filter.userIds.flatMap((id, i) =>
      usersOf(id, all.tenantId, { field: `${field}.user_ids[${i}]`, pseudonyms }),
    ),
    verdicts: filter.verdicts.map(verdictName),
    ruleIds: filter.ruleIds,
    labels: filter.labels,
    modelVersions: filter.modelVersions,
    ranges: filter.ranges.map((range, i) => rangeOf(range, `${field}.ranges[${i}]`)),
  };
}

/** The pseudonyms that an account's id or its pseudonym may stand for. */
function usersOf(
  id: string,
  tenantId: string | undefined,
  { field, pseudonyms }: { readonly field: string; readonly pseudonyms: Pseudonyms },
): string[] {
  const given = isPseudonym(id) ? [id] : [];
  if (tenantId !== undefined) return [...given, pseudonyms.of(tenantId, id)];
  if (given.length === 0) throw invalid(field, "has to be a pseudonym with all_tenants");
  return given;
}

function rangeOf(range: MetricRange, field: string): Range {
  const { min, max } = range;
  checkKey(range, field);
  if (min === undefined && max === undefined) throw invalid(field, "needs min, max or both");
  if (min !== undefined && max !== undefined && min > max) throw invalid(field, "has a min above its max");
  return { metric: metricOf(range), min, max };
}
