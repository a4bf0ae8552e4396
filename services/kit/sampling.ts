import type { tracing } from "@opentelemetry/sdk-node";
import type { Recording } from "./spans.js";

/** Samplers by the names that OpenTelemetry gives them in `OTEL_TRACES_SAMPLER`. */
export const samplerNames = [
  "always_on",
  "always_off",
  "traceidratio",
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
] as const;

/** Which traces are recorded. */
export interface Sampling {
  /**
   * The `parentbased` ones do as the caller says and decide for traces that
   * begin here alone. Where the collector samples whole traces by their end, it has to
   * get all of them: `parentbased_always_on`, or `always_on` behind proxies that sample by themselves.
   */
  readonly sampler: (typeof samplerNames)[number];
  /** Share of traces that the ratio samplers record, 0 to 1. */
  readonly sampleRatio: number;
}

/** Which traces a process records that samples so. */
export function recordingOf(sampling: Sampling): Recording {
  if (shareOf(sampling) > 0) return "own";
  return isParentBased(sampling) ? "callers" : "none";
}

/** The sampler of OpenTelemetry's SDK. */
export function samplerOf(sampling: Sampling, sdk: typeof tracing): tracing.Sampler {
  const share = shareOf(sampling);
  const root =
    share === 1
      ? new sdk.AlwaysOnSampler()
      : share === 0
        ? new sdk.AlwaysOffSampler()
        : new sdk.TraceIdRatioBasedSampler(share);
  return isParentBased(sampling) ? new sdk.ParentBasedSampler({ root }) : root;
}

function shareOf({ sampler, sampleRatio }: Sampling): number {
  if (sampler.endsWith("always_on")) return 1;
  return sampler.endsWith("always_off") ? 0 : sampleRatio;
}

function isParentBased({ sampler }: Sampling): boolean {
  return sampler.startsWith("parentbased_");
}
