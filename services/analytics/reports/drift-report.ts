import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Metric } from "#gen/ts/consciousness/analytics/v1/metric_pb.js";
import {
  type CalibrationDriftSchema,
  type GetDriftReportResponse,
  GetDriftReportResponseSchema,
  type ScoreDriftSchema,
  type ShareDriftSchema,
} from "#gen/ts/consciousness/analytics/v1/reports_service_pb.js";
import { errors } from "../../kit/errors.js";
import type { Ask } from "../domain/ask.js";
import { distributionColumns, distributionOf, plainMetrics } from "../domain/distributions.js";
import { metricName, metricOf, type NamedMetric, unitOf } from "../domain/metrics.js";
import type { ColumnStore, Selection } from "../store/port.js";
import type { Aggregation } from "../store/terms.js";
import { cohensD } from "./effect-size.js";
import { differenceOfShares, shareOf } from "./proportions.js";
import { type Agreement, Reliability } from "./reliability.js";

/** What a report is made from. */
export interface DriftSources {
  readonly ask: Ask;
  readonly store: Pick<ColumnStore, "count" | "read">;
}

/** The decisions of two periods of the same length, one after the other. */
export interface Periods {
  readonly before: Selection;
  readonly now: Selection;
}

const scores = plainMetrics(
  Metric.AWARENESS,
  Metric.ETHICAL_SCORE,
  Metric.CREATIVITY,
  Metric.QUALITY,
  Metric.CONFIDENCE,
  Metric.REFLECTION_DEPTH,
);

/** From what on a difference counts as drift: see the contract. */
const unlikely = 0.01;
const leastShare = 0.02;
const leastEffect = 0.2;
const leastCalibration = 0.02;
const enough = 30;

/** Labelled answers that are read for one period. */
const mostLabels = 100_000;

/** Compares two periods. Rejects with QUERY_TOO_EXPENSIVE. */
export async function driftReport(
  sources: DriftSources,
  { before, now }: Periods,
  signal?: AbortSignal,
): Promise<GetDriftReportResponse> {
  const [one, other] = await Promise.all([now, before].map((period) => figuresOf(sources, period, signal)));
  if (!one || !other) throw new Error("both periods have figures");
  const verdicts = [...new Set([...one.verdicts.keys(), ...other.verdicts.keys()])].sort();
  const calibration = calibrationDrift(one.agreement, other.agreement);
  return create(GetDriftReportResponseSchema, {
    decisions: BigInt(one.decisions),
    decisionsBefore: BigInt(other.decisions),
    verdicts: verdicts.map((verdict) => shareDrift(verdict, one, other)),
    scores: scores.flatMap((score) => scoreDrift(score, one.scores, other.scores)),
    ...(calibration && { calibration }),
  });
}

/** Whether anything of a report has drifted. */
export function hasDrifted({ verdicts, scores: means, calibration }: GetDriftReportResponse): boolean {
  return [...verdicts, ...means, ...(calibration ? [calibration] : [])].some(({ drifted }) => drifted);
}

interface Figures {
  readonly decisions: number;
  readonly verdicts: ReadonlyMap<string, number>;
  readonly scores: ScoreRow;
  readonly agreement: Agreement;
}

type ScoreRow = Readonly<Record<string, unknown>>;

const deviationName = (score: NamedMetric) => `${metricName(score)}_deviation`;
const scoreColumns: Readonly<Record<string, Aggregation>> = {
  ...distributionColumns(scores),
  ...Object.fromEntries(
    scores.map((score) => [deviationName(score), { kind: "deviation", metric: metricOf(score) } as const]),
  ),
};

async function figuresOf(
  { ask, store }: DriftSources,
  selection: Selection,
  signal?: AbortSignal,
): Promise<Figures> {
  const byVerdict = {
    selection,
    groups: [{ name: "verdict", kind: "dimension", dimension: "verdict" }] as const,
    aggregates: { decisions: { kind: "count" } } as const,
  };
  const [rows, row, agreement] = await Promise.all([
    ask.rows(byVerdict, signal),
    ask.row({ selection, aggregates: scoreColumns }, signal),
    agreementOf(store, selection, signal),
  ]);
  const verdicts = new Map(rows.map(({ verdict, decisions }) => [String(verdict), Number(decisions)]));
  const decisions = [...verdicts.values()].reduce((sum, count) => sum + count, 0);
  return { decisions, verdicts, scores: row, agreement };
}

/** Confidence beside the labels of answers; a decision with labels of both kinds counts for each. */
async function agreementOf(
  store: DriftSources["store"],
  selection: Selection,
  signal?: AbortSignal,
): Promise<Agreement> {
  const confidence = { kind: "figure", figure: "confidence" } as const;
  const ranges = [{ metric: confidence, min: undefined, max: undefined }];
  const reliability = new Reliability();
  for (const [label, supported] of [
    ["answer_supported", true],
    ["answer_unsupported", false],
  ] as const) {
    const labelled = { ...selection, labels: [label], ranges };
    const count = await store.count(labelled, signal);
    if (count > mostLabels) throw errors.queryTooExpensive({ bound: `${mostLabels} labelled answers` });
    if (count === 0) continue;
    for await (const rows of store.read(labelled, signal)) {
      for (const { figures } of rows) {
        if (figures.confidence !== null) reliability.add(figures.confidence, supported);
      }
    }
  }
  return reliability.agreement();
}

function shareDrift(
  verdict: string,
  one: Figures,
  other: Figures,
): MessageInitShape<typeof ShareDriftSchema> {
  const [now, before] = [one, other].map(({ verdicts, decisions }) => ({
    hits: verdicts.get(verdict) ?? 0,
    of: decisions,
  })) as [Parameters<typeof shareOf>[0], Parameters<typeof shareOf>[0]];
  const [share, shareBefore] = [shareOf(now), shareOf(before)];
  const pValue = differenceOfShares(now, before);
  const drifted = pValue !== undefined && pValue < unlikely && Math.abs(share - shareBefore) >= leastShare;
  return { verdict, share, shareBefore, ...(pValue !== undefined && { pValue }), drifted };
}

/** None where neither period has the score. */
function scoreDrift(
  score: NamedMetric,
  one: ScoreRow,
  other: ScoreRow,
): MessageInitShape<typeof ScoreDriftSchema>[] {
  const [now, before] = [distributionOf(score, one), distributionOf(score, other)];
  if (!now && !before) return [];
  const samples = [
    sampleOf(now, one[deviationName(score)]),
    sampleOf(before, other[deviationName(score)]),
  ] as const;
  const effect = cohensD(...samples);
  const isSteady = samples.every(({ deviation }) => deviation === 0);
  const differs =
    effect === undefined ? isSteady && samples[0].mean !== samples[1].mean : Math.abs(effect) >= leastEffect;
  const drifted = differs && samples.every(({ count }) => count >= enough);
  const distribution = { ...score, unit: unitOf(score.metric), ...(now && { distribution: now }) };
  return [{ now: distribution, ...(before && { before }), ...(effect !== undefined && { effect }), drifted }];
}

function sampleOf(distribution: ReturnType<typeof distributionOf>, deviation: unknown) {
  return {
    count: Number(distribution?.count ?? 0),
    mean: distribution?.mean ?? 0,
    deviation: typeof deviation === "number" ? deviation : null,
  };
}

function calibrationDrift(
  now: Agreement,
  before: Agreement,
): MessageInitShape<typeof CalibrationDriftSchema> | undefined {
  if (now.labels < enough || before.labels < enough) return undefined;
  return {
    labels: BigInt(now.labels),
    labelsBefore: BigInt(before.labels),
    brier: now.brier,
    brierBefore: before.brier,
    calibrationError: now.calibrationError,
    calibrationErrorBefore: before.calibrationError,
    drifted:
      now.brier - before.brier >= leastCalibration ||
      now.calibrationError - before.calibrationError >= leastCalibration,
  };
}
