import { type Batch, figures, type QueryPlan } from "../../../services/analytics/store/port.js";
import { bareDecision, generatedFrom } from "./decisions.js";
import { allOf, by, planOf } from "./plans.js";

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix} ${n}`);

/** Few decisions, of which each has so much that it comes to 100 million combinations. */
export function heavyBatch(tenantId: string): Batch {
  const ruleIds = names("a rule by the name of", 1000);
  const frameworks = Object.fromEntries(names("framework", 100).map((name, n) => [name, n]));
  const decisions = names("d", 20).map((decisionId) =>
    bareDecision({ tenantId, decisionId, ruleIds, frameworks, stages: { compose: 1 } }),
  );
  const labels = decisions.map(({ decisionId }) => ({
    tenantId,
    decisionId,
    feedbackId: `of ${decisionId}`,
    version: 1n,
    time: generatedFrom,
    labels: names("a label by the name of", 1000),
  }));
  return { decisions, labels };
}

/** Takes minutes over the heavy batch. */
export function endless(tenantId: string): QueryPlan {
  return planOf(allOf(tenantId), [by("framework"), by("rule"), by("label")], [{ name: "n", kind: "count" }]);
}

/** Makes a million groups of which much has to be known. */
export function broad(tenantId: string): QueryPlan {
  const aggregates = figures.map(
    (figure) => ({ name: figure, kind: "deviation", metric: { kind: "figure", figure } }) as const,
  );
  return { ...planOf(allOf(tenantId), [by("rule"), by("label")], aggregates), limit: 1 };
}

/** Keeps every one of 20 million values. */
export function greedy(tenantId: string): QueryPlan {
  const metric = { kind: "stage", key: "compose" } as const;
  const percentile = { name: "p", kind: "percentile", metric, percentile: 50 } as const;
  return planOf(allOf(tenantId), [by("rule"), by("label")], [percentile]);
}
