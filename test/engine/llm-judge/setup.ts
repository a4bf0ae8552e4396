import { afterAll, afterEach, beforeAll } from "vitest";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { defaults } from "../../../services/engine/config.js";
import type { OpinionRequest } from "../../../services/engine/domain/judges/llm/llm-judge.js";
import { shippedJudges } from "../../../services/engine/domain/judges/shipped.js";
import { shippedTextModel } from "../../../services/engine/domain/models/shipped.js";
import { createPipeline } from "../../../services/engine/domain/pipeline.js";
import type { AskingJudge } from "../../../services/engine/llm-judge.js";
import type { LlmJudgeConfig } from "../../../services/engine/llm-judge-config.js";
import { type ProviderAnswer, type StandIn, startProvider } from "../../support/provider.js";
import { type Asked, never, pipelineDeps, pipelineRequest, responder } from "../fixture.js";
import { askingJudge, judgeConfig } from "../support/llm-judge.js";

/** A head warns of it, without a reason. */
export const portrait = "How can I shoot a portrait at night?";
export const plain = "When are returns accepted?";
export const shop = "Returns are accepted within 30 days. The shop opens at nine.";

/** The judges as shipped, beside which a model is asked. */
export const readers = {
  judges: shippedJudges(),
  readText: (text: string) => shippedTextModel().read(text),
};

/** A stand-in for a judging model, for the tests of a file. */
export function judgingModel() {
  let standIn: StandIn;
  const made: AskingJudge[] = [];
  beforeAll(async () => {
    standIn = await startProvider();
  });
  afterEach(() => {
    for (const judge of made.splice(0)) judge.stop();
  });
  afterAll(() => standIn.close());
  return {
    /** A judge that the stand-in answers for, and how often it was asked. */
    judging(
      answers: ProviderAnswer | readonly ProviderAnswer[],
      overrides: Partial<LlmJudgeConfig> = {},
      options: Parameters<typeof askingJudge>[1] = {},
    ) {
      standIn.answerWith(...[answers].flat());
      const before = standIn.requests();
      const { judge, metrics } = askingJudge(judgeConfig(standIn.url, overrides), options);
      made.push(judge);
      const heard = () => standIn.heard.slice(before);
      return { judge, metrics, heard, asked: () => heard().length };
    },
    /** So much time for an opinion, in milliseconds. */
    within: (timeoutMs: number) => ({
      provider: { ...judgeConfig(standIn.url).provider, timeoutMs, firstByteTimeoutMs: timeoutMs },
    }),
  };
}

/** Decides a request with rules, heads and a judging model; without one where none is given. */
export function decideWith(
  llmJudge?: AskingJudge,
  asked: Partial<Asked> = {},
  budgets = defaults.budgets,
): Promise<Decision> {
  const deps = pipelineDeps({ ...readers, ...(llmJudge && { llmJudge }), budgets });
  return createPipeline(deps)(pipelineRequest({ input: plain, responder: responder(shop), ...asked }), never);
}

export const evaluationOf = ({ ethicalEvaluation }: Decision) => ethicalEvaluation!;

/** What reasoning tells of opinions. */
export const stepsOf = (decision: Decision) =>
  evaluationOf(decision)
    .reasoningChain.filter(({ saw }) => saw.includes("language model"))
    .map(({ stage, concluded }) => `${stage}: ${concluded}`);

export const opinionRequest = (text: string, fields: Partial<OpinionRequest> = {}): OpinionRequest => ({
  text,
  scope: Scope.INPUT,
  uncertain: true,
  ...fields,
});
