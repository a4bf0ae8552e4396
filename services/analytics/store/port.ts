import type { Aggregation, Dimension, Metric, TimeUnit } from "./terms.js";

/** Names of the figures that a decision may have, as columns. */
export const figures = [
  "processing_ms",
  "queue_ms",
  "total_ms",
  "awareness",
  "ethical_score",
  "creativity",
  "quality",
  "reflection_depth",
  "confidence",
  "rules_hit",
  "input_tokens",
  "output_tokens",
  "cost",
  "cpu_share",
  "memory_share",
  "gpu_share",
  "quantum_coherence",
] as const;

export type Figure = (typeof figures)[number];

/** A decision as analytics keeps it: figures and names, no text of anybody. */
export interface DecisionRow {
  readonly tenantId: string;
  readonly decisionId: string;
  readonly requestId: string;
  /** When it was made, by the engine's clock. The same at each delivery of its event. */
  readonly time: Date;
  /** When it arrived here. */
  readonly arriveTime: Date;
  /** Empty for the engine itself. */
  readonly agentId: string;
  /** Pseudonym of who asked. */
  readonly user: string;
  /** Name in lower case. */
  readonly verdict: string;
  /** Each once. */
  readonly ruleIds: readonly string[];
  readonly modelVersion: string;
  readonly policyDigest: string;
  readonly composer: string;
  readonly cached: boolean;
  /** Absent figures are null; all numbers of a decision are finite. */
  readonly figures: Readonly<Record<Figure, number | null>>;
  /** Milliseconds by stage. */
  readonly stages: Readonly<Record<string, number>>;
  /** Scores by ethical framework. */
  readonly frameworks: Readonly<Record<string, number>>;
}

/** What somebody said of a decision. A later one of the same `feedbackId` replaces it. */
export interface LabelRow {
  readonly tenantId: string;
  readonly decisionId: string;
  /** Aggregate id of the feedback. */
  readonly feedbackId: string;
  /** Version of the aggregate. */
  readonly version: bigint;
  readonly time: Date;
  /** Such as `answer_correct` and `verdict_wrong`, each once; empty takes back what was said. */
  readonly labels: readonly string[];
}

/** Rows to keep in one transaction. */
export interface Batch {
  readonly decisions: readonly DecisionRow[];
  readonly labels: readonly LabelRow[];
}

/** Decisions by whom, from when to when, and which. */
export interface Selection {
  /** Undefined for every tenant. */
  readonly tenantId: string | undefined;
  /** Inclusive. */
  readonly from: Date;
  /** Exclusive. */
  readonly until: Date;
  /** Each empty list stands for everything. */
  readonly agentIds: readonly string[];
  /** Pseudonyms. */
  readonly users: readonly string[];
  readonly verdicts: readonly string[];
  readonly ruleIds: readonly string[];
  readonly labels: readonly string[];
  readonly modelVersions: readonly string[];
  readonly ranges: readonly Range[];
}

/** A range of a metric, both ends inclusive. A decision without the metric lies in none, not even in one without ends. */
export interface Range {
  readonly metric: Metric;
  readonly min: number | undefined;
  readonly max: number | undefined;
}

/**
 * A column of the answer by which decisions are grouped. By rule, framework and
 * label, a decision counts once for each that it has, and not at all without.
 */
export type Group =
  | { readonly name: string; readonly kind: "dimension"; readonly dimension: Dimension }
  | { readonly name: string; readonly kind: "time"; readonly unit: TimeUnit; readonly timeZone: string };

/** An aggregation and the name of its column. */
export type Aggregate = Aggregation & { readonly name: string };

/** A query that has been checked: every name in it is one of ours, every value becomes a parameter. */
export interface QueryPlan {
  readonly selection: Selection;
  readonly groups: readonly Group[];
  readonly aggregates: readonly Aggregate[];
  /** Names of columns, null last; the groups follow, so that the order is total. Text is ordered by code point. */
  readonly orders: readonly { readonly column: string; readonly descending: boolean }[];
  readonly offset: number;
  readonly limit: number;
}

/** What a query may take. */
export interface Bounds {
  /** Milliseconds. */
  readonly timeMs: number;
  /** Groups before ordering and limits. */
  readonly groups: number;
}

/** A value of an answer: a number, a name, where a bucket begins, or none. */
export type Value = number | string | Date | null;

/**
 * Keeps decisions to be aggregated. One adapter per folder beside this file; all
 * answer alike, percentiles from rollups within 1 % of the value.
 */
export interface ColumnStore {
  /** Keeps the rows that it has not yet, all or none. Once it resolves they survive the end of the process. */
  append(batch: Batch): Promise<void>;
  /**
   * Rows in the plan's order of columns: groups, then aggregates. A plan without
   * groups has one row, even of no decisions: of no values, a count and a
   * distinct is 0, everything else null. Rejects with QUERY_TOO_EXPENSIVE, and
   * with OVERLOADED where too many wait.
   */
  query(plan: QueryPlan, bounds: Bounds, signal?: AbortSignal): Promise<Value[][]>;
  /** How many decisions there are. */
  count(selection: Selection, signal?: AbortSignal): Promise<number>;
  /** The decisions in order of time and id, some thousands at once, read while they are taken. */
  read(selection: Selection, signal?: AbortSignal): AsyncIterable<readonly DecisionRow[]>;
  /** Drops the partitions that hold nothing from `before` or later. */
  forget(before: Date): Promise<void>;
  /** Resolves when the store answers. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
