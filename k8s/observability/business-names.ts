import { metricCatalogue as metrics } from "../../services/kit/metric-catalogue.js";
import { recorded } from "./recordings.js";

/** Names that operators ask for, and where what they mean is found. */
export const askedNames: readonly { readonly name: string; readonly where: string }[] = [
  { name: "consciousness_requests_total", where: `\`${metrics.requests.name}\`` },
  {
    name: "consciousness_processing_duration_seconds",
    where: `\`${metrics.stageDuration.name}\` by stage; \`${metrics.responseLatency.name}\` for all of it`,
  },
  { name: "consciousness_quality_score", where: `\`${metrics.quality.name}\`` },
  {
    name: "agent_response_latency",
    where: `\`${metrics.responseLatency.name}\`, by what composed the answer: there may be any number of agents, and analytics tells them apart`,
  },
  {
    name: "active_agents_total",
    where: `\`${metrics.activeAgents.name}\`; of replicas take the maximum, since two may see one agent`,
  },
  {
    name: "conversations_per_second",
    where: `recorded as \`${recorded.conversations}\` from \`${metrics.conversations.name}\``,
  },
  {
    name: "event lag",
    where: `\`${metrics.eventLag.name}\` of consumers, \`${metrics.outboxAge.name}\` before the bus`,
  },
  {
    name: "cache hit ratio",
    where: `recorded as \`${recorded.cacheHits}\` from \`${metrics.cacheReads.name}\``,
  },
  {
    name: "judge heads' drift",
    where: `recorded as \`${recorded.drift}\` from \`${metrics.headReadings.name}\`: the last hour against the week before. The texts of training are no reference: one in ten of them is harmful by choice, so that every traffic would differ from them`,
  },
];

/** Names that were asked for and have no source. A gauge that nothing moves would tell something untrue. */
export const leftOut: readonly { readonly name: string; readonly why: string }[] = [
  { name: "quantum_acceleration_factor", why: "Nothing runs on a quantum computer or a simulator of one." },
  { name: "multimodal_fusion_accuracy", why: "Requests are texts; no model joins several kinds of input." },
  {
    name: "revenue_per_minute",
    why: "The platform bills nobody. What providers cost is in `provider_cost_total`.",
  },
  {
    name: "customer_satisfaction_score",
    why: "Feedback says whether an answer was right, by whom it was asked for; GetCalibration has it. Nobody is asked how content they are.",
  },
  {
    name: "backup age",
    why: "The platform makes no backups itself, so it has no age to tell; what makes them should.",
  },
];
