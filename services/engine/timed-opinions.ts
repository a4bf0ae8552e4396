import { create } from "@bufbuild/protobuf";
import type { Attributes } from "@opentelemetry/api";
import {
  type Opinion,
  OpinionOutcome,
  OpinionSchema,
  type Scope,
} from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { inSpan, recordedSpan } from "../kit/spans.js";
import type { Platform } from "../kit/workload.js";
import { ProviderError } from "./domain/compose/provider-error.js";
import { BudgetExceeded, elapsedMs, raceBudget } from "./domain/stage.js";
import type { FoundOpinion, TenantsQuestion } from "./known-opinions.js";

/** What timing opinions takes. */
export interface TimedOptions {
  readonly platform: Pick<Platform, "clock"> & {
    readonly metrics: Pick<Platform["metrics"], "llmOpinions" | "llmOpinionDuration">;
  };
  readonly find: (question: TenantsQuestion) => Promise<FoundOpinion>;
  /** The opinion where there is none, and why. */
  readonly failed: (scope: Scope, failure: string) => Opinion;
  /** Of the spans. */
  readonly attributes: Attributes;
}

/** An opinion within a time in milliseconds; FAILED where none comes. Rejects only when `signal` aborts. */
export type TimedOpinions = (
  question: TenantsQuestion,
  budgetMs: number,
  signal: AbortSignal,
) => Promise<Opinion>;

/** Opinions with their time, each with a span, counted by who had it and what it came to. */
export function createTimedOpinions({ platform, find, failed, attributes }: TimedOptions): TimedOpinions {
  const { clock, metrics } = platform;
  const found: (...args: Parameters<TimedOpinions>) => Promise<{ opinion: Opinion; source: string }> = async (
    question,
    budgetMs,
    signal,
  ) => {
    const none = (failure: string) => ({ source: "none", opinion: failed(question.request.scope, failure) });
    if (budgetMs < 1) return none("no_time");
    try {
      return await raceBudget(budgetMs, signal, () => find(question));
    } catch (error) {
      signal.throwIfAborted();
      return none(failureOf(error));
    }
  };
  return (question, budgetMs, signal) =>
    inSpan("llm opinion", attributes, async () => {
      const start = clock.monotonic();
      const { opinion, source } = await found(question, budgetMs, signal);
      const durationMs = elapsedMs(clock, start);
      const outcome = (OpinionOutcome[opinion.outcome] ?? "").toLowerCase();
      metrics.llmOpinions.add({ source, outcome });
      metrics.llmOpinionDuration.observe(durationMs / 1000, { source });
      recordedSpan()?.setAttributes({ "consciousness.opinion": outcome, "consciousness.source": source });
      return create(OpinionSchema, { ...opinion, durationMs });
    });
}

/** Why there is no opinion, in a word. */
export function failureOf(error: unknown): string {
  if (error instanceof ProviderError) return error.failure;
  return error instanceof BudgetExceeded ? "timeout" : "failed";
}
