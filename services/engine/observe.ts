import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { Metrics } from "../kit/metrics.js";
import { recordedSpan } from "../kit/spans.js";
import type { ProviderOutcome } from "./domain/compose/provider-outcome.js";
import { recordExchange } from "./provider-span.js";
import { verdictName } from "./store.js";

/** Counts a decision, and measures its time, its stages and its quality. */
export function observeDecision(
  metrics: Pick<Metrics, "requests" | "responseLatency" | "stageDuration" | "quality">,
) {
  return ({ verdict, composer: composedBy, processingMetrics, consciousnessQuality }: Decision): void => {
    const composer = composedBy === "" ? "none" : composedBy;
    recordedSpan()?.setAttribute("consciousness.verdict", verdictName(verdict));
    metrics.requests.add({ verdict: verdictName(verdict), composer });
    if (processingMetrics) metrics.responseLatency.observe(processingMetrics.totalMs / 1000, { composer });
    for (const { stage, durationMs } of processingMetrics?.stages ?? []) {
      metrics.stageDuration.observe(durationMs / 1000, { stage });
    }
    if (consciousnessQuality !== undefined) metrics.quality.observe(consciousnessQuality);
  };
}

/** Counts an exchange with a provider, its time, and what it cost, and adds it to the trace. */
export function observeProvider(
  metrics: Pick<Metrics, "providerRequests" | "providerDuration" | "providerTokens" | "providerCost">,
) {
  return (ended: ProviderOutcome): void => {
    const { provider, outcome, seconds, tokens, cost } = ended;
    recordExchange(ended);
    metrics.providerRequests.add({ provider, outcome });
    metrics.providerDuration.observe(seconds, { provider });
    if (tokens) {
      metrics.providerTokens.addMany(tokens.input, { provider, direction: "input" });
      metrics.providerTokens.addMany(tokens.output, { provider, direction: "output" });
    }
    if (cost !== undefined) metrics.providerCost.addMany(cost, { provider });
  };
}
