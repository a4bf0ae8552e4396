import { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import { type FigureMetric, metricOf, type Unit, unitOf } from "../domain/metrics.js";
import type { DecisionRow, Figure } from "../store/port.js";

/** What a cell may hold: a text, a number, a moment, yes or no, a list of texts, numbers by name, or nothing. */
export type Cell =
  | string
  | number
  | boolean
  | Date
  | readonly string[]
  | Readonly<Record<string, number>>
  | null;

/** What every cell of a column is, but for the empty ones. */
export type CellType = "text" | "number" | "time" | "truth" | "texts" | "numbers";

/**
 * Classes of the contract's `DataClass` whose values may leave in a file. What
 * people write and read is CONFIDENTIAL, and no row has any of it; a column of
 * that class, or of RESTRICTED, would not compile.
 */
type ExportedClass = "public" | "internal";

/** A column of every exported file. */
export interface ExportColumn {
  readonly name: string;
  readonly type: CellType;
  /** As `Column.unit` of the contract names it. */
  readonly unit: Unit;
  readonly dataClass: ExportedClass;
  readonly meaning: string;
  readonly of: (row: DecisionRow) => Cell;
}

const internal = { unit: "", dataClass: "internal" } as const;

const figureMeanings: Readonly<Record<Figure, string>> = {
  processing_ms: "Time spent on the decision without waiting for admission.",
  queue_ms: "Time spent waiting for admission.",
  total_ms: "Both together.",
  awareness: "Context coverage, 0..1.",
  ethical_score: "Overall ethical score, 0..1.",
  creativity: "Novelty of the answer, 0..1.",
  quality: "Quality of the answer, 0..1.",
  reflection_depth: "Reflection passes that ran, 0..3.",
  confidence: "Confidence that the answer is supported, 0..1.",
  rules_hit: "Rules that were hit.",
  input_tokens: "Tokens that a provider read.",
  output_tokens: "Tokens that a provider wrote.",
  cost: "What a provider took, in the operator's currency.",
  cpu_share: "Share of one core that the engine's process used.",
  memory_share: "Share of its memory limit that the engine's process held, 0..1.",
  gpu_share: "Share of an accelerator that was used, 0..1.",
  quantum_coherence: "l1-norm of coherence.",
};

/**
 * The columns of every file, in order: the one place that says what they are.
 * Accounts are there by pseudonym alone.
 */
export const exportColumns: readonly ExportColumn[] = [
  { ...internal, name: "tenant_id", type: "text", meaning: "Id of the tenant.", of: (row) => row.tenantId },
  { ...internal, name: "decision_id", type: "text", meaning: "The decision.", of: (row) => row.decisionId },
  { ...internal, name: "request_id", type: "text", meaning: "Its request.", of: (row) => row.requestId },
  {
    ...internal,
    name: "time",
    type: "time",
    unit: "time",
    meaning: "When it was made.",
    of: (row) => row.time,
  },
  {
    ...internal,
    name: "agent_id",
    type: "text",
    meaning: "Agent that answered; empty for the engine itself.",
    of: (row) => row.agentId,
  },
  { ...internal, name: "user", type: "text", meaning: "Pseudonym of who asked.", of: (row) => row.user },
  { ...internal, name: "verdict", type: "text", meaning: "What was decided.", of: (row) => row.verdict },
  { ...internal, name: "rule_ids", type: "texts", meaning: "Rules that were hit.", of: (row) => row.ruleIds },
  {
    ...internal,
    name: "model_version",
    type: "text",
    meaning: "Version of the models that judged.",
    of: (row) => row.modelVersion,
  },
  {
    ...internal,
    name: "policy_digest",
    type: "text",
    meaning: "Digest of the policy that was in force.",
    of: (row) => row.policyDigest,
  },
  {
    ...internal,
    name: "composer",
    type: "text",
    meaning: "What composed the answer: extractive, or a provider's id.",
    of: (row) => row.composer,
  },
  {
    ...internal,
    name: "cached",
    type: "truth",
    meaning: "Whether the answer came from the answer cache.",
    of: (row) => row.cached,
  },
  ...figureColumns(),
  {
    ...internal,
    name: "stages",
    type: "numbers",
    unit: unitOf(Metric.STAGE_TIME),
    meaning: "Time of each stage.",
    of: (row) => row.stages,
  },
  {
    ...internal,
    name: "frameworks",
    type: "numbers",
    unit: unitOf(Metric.FRAMEWORK_SCORE),
    meaning: "Score by each ethical framework, 0..1.",
    of: (row) => row.frameworks,
  },
];

function figureColumns(): ExportColumn[] {
  const units = new Map(figureMetrics().map((metric) => [figureOf(metric), unitOf(metric)]));
  return (Object.keys(figureMeanings) as Figure[]).map((figure) => ({
    name: figure,
    type: "number",
    unit: units.get(figure) ?? "",
    dataClass: "internal",
    meaning: figureMeanings[figure],
    of: (row) => row.figures[figure],
  }));
}

function figureMetrics(): FigureMetric[] {
  const keyed = [Metric.UNSPECIFIED, Metric.STAGE_TIME, Metric.FRAMEWORK_SCORE];
  const all = Object.values(Metric).filter((value): value is Metric => typeof value === "number");
  return all.filter((metric) => !keyed.includes(metric)) as FigureMetric[];
}

function figureOf(metric: FigureMetric): Figure | undefined {
  const of = metricOf({ metric, key: "" });
  return of.kind === "figure" ? of.figure : undefined;
}
