import { fromBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Event } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import {
  type AnswerLabel,
  AnswerLabelSchema,
  type VerdictLabel,
  VerdictLabelSchema,
} from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import type { StageTiming } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import {
  type DecisionRecorded,
  DecisionRecordedSchema,
  type FeedbackRecorded,
  FeedbackRecordedSchema,
} from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import type { Pseudonyms } from "../domain/pseudonyms.js";
import { verdictName } from "../domain/selection.js";
import { type DecisionRow, type Figure, figures, type LabelRow } from "../store/port.js";

/** What an event has to keep. */
export type EventRow =
  | { readonly kind: "decision"; readonly row: DecisionRow }
  | { readonly kind: "label"; readonly row: LabelRow };

const answerNames = enumNames<AnswerLabel>(AnswerLabelSchema);
const verdictLabelNames = enumNames<VerdictLabel>(VerdictLabelSchema);

/** The row of an event; undefined for one of another type. Throws when its payload cannot be read. */
export function eventRow(
  event: Event,
  { pseudonyms, now }: { readonly pseudonyms: Pseudonyms; readonly now: number },
): EventRow | undefined {
  const { typeUrl = "", value = new Uint8Array() } = event.payload ?? {};
  switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
    case DecisionRecordedSchema.typeName: {
      const recorded = fromBinary(DecisionRecordedSchema, value);
      const user = pseudonyms.of(event.tenantId, event.actor);
      return { kind: "decision", row: decisionRow(event, recorded, { user, arriveTime: new Date(now) }) };
    }
    case FeedbackRecordedSchema.typeName:
      return { kind: "label", row: labelRow(event, fromBinary(FeedbackRecordedSchema, value)) };
    default:
      return undefined;
  }
}

function decisionRow(
  event: Event,
  recorded: DecisionRecorded,
  { user, arriveTime }: Pick<DecisionRow, "user" | "arriveTime">,
): DecisionRow {
  return {
    tenantId: event.tenantId,
    decisionId: recorded.decisionId,
    requestId: recorded.requestId,
    time: timeOf(event),
    arriveTime,
    agentId: recorded.agentId,
    user,
    verdict: verdictName(recorded.verdict),
    ruleIds: [...new Set(recorded.ruleIds)],
    modelVersion: recorded.modelsVersion,
    policyDigest: recorded.policyDigest,
    composer: recorded.composer,
    cached: recorded.cached,
    figures: figuresOf(recorded),
    stages: stagesOf(recorded.processingMetrics?.stages ?? []),
    frameworks: numbersOf(Object.entries(recorded.frameworkScores)),
  };
}

function labelRow(event: Event, { decisionId, answer, verdict }: FeedbackRecorded): LabelRow {
  const labels = [
    ...(answer ? [`answer_${answerNames.nameOf(answer).toLowerCase()}`] : []),
    ...(verdict ? [`verdict_${verdictLabelNames.nameOf(verdict).toLowerCase()}`] : []),
  ];
  const { tenantId, aggregateId: feedbackId, version } = event;
  return { tenantId, decisionId, feedbackId, version, time: timeOf(event), labels };
}

function figuresOf(recorded: DecisionRecorded): Record<Figure, number | null> {
  const { processingMetrics: times, composeUsage: usage } = recorded;
  const known: Record<Figure, number | undefined> = {
    processing_ms: times && Math.max(0, times.totalMs - times.queueMs),
    queue_ms: times?.queueMs,
    total_ms: times?.totalMs,
    awareness: recorded.awarenessLevel,
    ethical_score: recorded.ethicalScore,
    creativity: recorded.creativityScore,
    quality: recorded.consciousnessQuality,
    reflection_depth: recorded.reflectionDepth,
    confidence: recorded.confidenceLevel,
    rules_hit: new Set(recorded.ruleIds).size,
    input_tokens: usage?.inputTokens,
    output_tokens: usage?.outputTokens,
    cost: usage?.cost,
    cpu_share: recorded.cpuShare,
    memory_share: recorded.memoryShare,
    gpu_share: recorded.gpuShare,
    quantum_coherence: recorded.quantumCoherence,
  };
  const numbers = figures.map((name) => [name, isNumber(known[name]) ? known[name] : null]);
  return Object.fromEntries(numbers) as Record<Figure, number | null>;
}

/** A stage that ran again counts with all of its time. */
function stagesOf(timings: readonly StageTiming[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const { stage, durationMs } of timings) sums.set(stage, (sums.get(stage) ?? 0) + durationMs);
  return numbersOf([...sums]);
}

function numbersOf(entries: readonly (readonly [string, number])[]): Record<string, number> {
  return Object.fromEntries(entries.filter(([, value]) => isNumber(value)));
}

function isNumber(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

/** When it happened, by the clock of who recorded it: each delivery has the same. */
function timeOf({ time }: Event): Date {
  if (!time) throw new Error("the event has no time");
  return timestampDate(time);
}
