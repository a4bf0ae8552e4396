import { type DecisionRow, type Figure, figures, type LabelRow } from "../port.js";
import type { Source } from "../sql/dialect.js";

export const source: Source = { decisions: "decisions", labels: "labels" };

/**
 * What makes the tables, each where it is not there. A decision that is delivered
 * again becomes a second row until parts are merged, and FINAL, with which
 * everything is read, takes the one that arrived first. Deduplication of inserts
 * would not do: a server remembers blocks for some time, and only whole ones,
 * while an event may come again at any time and in another batch.
 */
export const tables: readonly string[] = [
  `create table if not exists decisions (
     tenant_id String,
     decision_id String,
     request_id String,
     time DateTime64(3, 'UTC'),
     arrive_time DateTime64(3, 'UTC'),
     agent_id LowCardinality(String),
     user_pseudonym String,
     verdict LowCardinality(String),
     rule_ids Array(LowCardinality(String)),
     model_version LowCardinality(String),
     policy_digest LowCardinality(String),
     composer LowCardinality(String),
     cached Bool,
     ${figures.map((figure) => `${figure} Nullable(Float64)`).join(",\n     ")},
     stages Map(LowCardinality(String), Float64),
     frameworks Map(LowCardinality(String), Float64),
     precedence UInt64 materialized toUInt64(9223372036854775807 - toUnixTimestamp64Milli(arrive_time))
   ) engine = ReplacingMergeTree(precedence)
   partition by toYYYYMM(time)
   order by (tenant_id, time, decision_id)`,
  // Not partitioned: a later version of a feedback, in another month, replaces this one.
  `create table if not exists labels (
     tenant_id String,
     feedback_id String,
     decision_id String,
     version UInt64,
     time DateTime64(3, 'UTC'),
     labels Array(LowCardinality(String))
   ) engine = ReplacingMergeTree(version)
   order by (tenant_id, feedback_id)`,
];

/** The table's row of a decision, as JSON. */
export function decisionJson(decision: DecisionRow): Record<string, unknown> {
  return {
    tenant_id: decision.tenantId,
    decision_id: decision.decisionId,
    request_id: decision.requestId,
    time: seconds(decision.time),
    arrive_time: seconds(decision.arriveTime),
    agent_id: decision.agentId,
    user_pseudonym: decision.user,
    verdict: decision.verdict,
    rule_ids: decision.ruleIds,
    model_version: decision.modelVersion,
    policy_digest: decision.policyDigest,
    composer: decision.composer,
    cached: decision.cached,
    ...decision.figures,
    stages: decision.stages,
    frameworks: decision.frameworks,
  };
}

/** The table's row of a label, as JSON. */
export function labelJson(label: LabelRow): Record<string, unknown> {
  return {
    tenant_id: label.tenantId,
    feedback_id: label.feedbackId,
    decision_id: label.decisionId,
    version: String(label.version),
    time: seconds(label.time),
    labels: label.labels,
  };
}

/** A number would be read as milliseconds, or as seconds, by its size. */
function seconds(time: Date): string {
  return time.toISOString().replace("T", " ").replace("Z", "");
}

/** The expressions over a decision `d` that `decisionOf` reads. */
export const decisionSelect = [
  "d.tenant_id, d.decision_id, d.request_id, toUnixTimestamp64Milli(d.time), toUnixTimestamp64Milli(d.arrive_time)",
  "d.agent_id, d.user_pseudonym, d.verdict, d.rule_ids, d.model_version, d.policy_digest, d.composer, d.cached",
  "d.stages, d.frameworks",
  ...figures.map((figure) => `d.${figure}`),
].join(", ");

/** A decision of the values of `decisionSelect`. */
export function decisionOf(row: readonly unknown[]): DecisionRow {
  const [tenantId, decisionId, requestId, time, arriveTime, agentId, user, verdict, rules, ...rest] = row;
  const [modelVersion, policyDigest, composer, cached, stages, frameworks, ...numbers] = rest;
  return {
    tenantId: String(tenantId),
    decisionId: String(decisionId),
    requestId: String(requestId),
    time: new Date(Number(time)),
    arriveTime: new Date(Number(arriveTime)),
    agentId: String(agentId),
    user: String(user),
    verdict: String(verdict),
    ruleIds: (rules as unknown[]).map(String),
    modelVersion: String(modelVersion),
    policyDigest: String(policyDigest),
    composer: String(composer),
    cached: cached === true,
    figures: Object.fromEntries(figures.map((figure, n) => [figure, numbers[n] ?? null])) as Record<
      Figure,
      number | null
    >,
    stages: stages as Record<string, number>,
    frameworks: frameworks as Record<string, number>,
  };
}
