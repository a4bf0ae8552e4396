import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import type { Metrics } from "../kit/metrics.js";
import type { ProviderOutcome } from "./domain/compose/provider.js";
import { verdictName } from "./store.js";

/** Counts a decision, and measures its stages and its quality. */
export function observeDecision(metrics: Pick<Metrics, "requests" | "stageDuration" | "quality">) {
  return ({ verdict, composer, processingMetrics, consciousnessQuality }: Decision): void => {
    metrics.requests.add({ verdict: verdictName(verdict), composer: composer === "" ? "none" : composer });
    for (const { stage, durationMs } of processingMetrics?.stages ?? []) {
      metrics.stageDuration.observe(durationMs / 1000, { stage });
    }
    if (consciousnessQuality !== undefined) metrics.quality.observe(consciousnessQuality);
  };
}

/** Counts an exchange with a provider, its time, and what it cost. */
export function observeProvider(
  metrics: Pick<Metrics, "providerRequests" | "providerDuration" | "providerTokens" | "providerCost">,
) {
  return ({ provider, outcome, seconds, tokens, cost }: ProviderOutcome): void => {
    metrics.providerRequests.add({ provider, outcome });
    metrics.providerDuration.observe(seconds, { provider });
    if (tokens) {
      metrics.providerTokens.addMany(tokens.input, { provider, direction: "input" });
      metrics.providerTokens.addMany(tokens.output, { provider, direction: "output" });
    }
    if (cost !== undefined) metrics.providerCost.addMany(cost, { provider });
  };
}
