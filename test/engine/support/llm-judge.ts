import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { createAskModel } from "../../../services/engine/domain/judges/llm/ask-model.js";
import type { LlmJudge } from "../../../services/engine/domain/judges/llm/llm-judge.js";
import { createLlmJudge } from "../../../services/engine/llm-judge.js";
import type { LlmJudgeConfig } from "../../../services/engine/llm-judge-config.js";
import { systemClock } from "../../../services/kit/clock.js";
import { createLog } from "../../../services/kit/log.js";
import { createMetrics } from "../../../services/kit/metrics.js";
import { memoryCache } from "../../../services/kit/stores/cache/memory.js";
import { type JudgedData, judgedData, type StandInJudgement } from "../../support/judging-provider.js";

/** A judge at a stand-in's address, asked about every text of a request and an answer. */
export const judgeConfig = (url: string, overrides: Partial<LlmJudgeConfig> = {}): LlmJudgeConfig => ({
  provider: {
    id: "judge",
    baseUrl: url,
    model: "small",
    apiKey: "key-123",
    connectTimeoutMs: 2_000,
    firstByteTimeoutMs: 5_000,
    timeoutMs: 5_000,
    retries: 0,
    retryDelayMs: 1,
    mostBytes: 10_000,
    prices: { inputPerMillion: 1, outputPerMillion: 3 },
  },
  when: "always",
  scopes: new Set([Scope.INPUT, Scope.OUTPUT, Scope.TOOL_CALL]),
  failsClosed: false,
  thresholds: { blockFrom: 0.9, lowerFrom: 0.8 },
  keptMs: 60_000,
  ...overrides,
});

/** The judge over the wire, with a cache and metrics of its own. */
export function askingJudge(config: LlmJudgeConfig, { clock = systemClock } = {}) {
  const metrics = createMetrics({ version: "1.2.3", workloads: ["engine"] });
  const log = createLog({ service: "engine", level: "silent" });
  const platform = { clock, metrics, log, cache: memoryCache({ clock }) };
  return { judge: createLlmJudge({ config, platform, observe: () => undefined }), metrics };
}

/** A judge without a wire, asked about every text. */
export function sayingJudge(judgementOf: (data: JudgedData) => StandInJudgement): LlmJudge {
  const complete = async (request: object) => {
    const data = judgedData(request);
    const { verdict, categories = [], certainty = 95 } = judgementOf(data);
    const content = JSON.stringify({ mark: data.mark, verdict, categories, certainty });
    return { content, toolCalls: [], finishReason: "stop" };
  };
  const { thresholds } = judgeConfig("");
  const ask = createAskModel({ provider: { id: "judge", complete }, model: "small", thresholds });
  return {
    name: "llm small",
    digest: "0",
    failsClosed: false,
    wants: () => true,
    begin: () => ({ mostMs: 100, failsClosed: false, ask }),
  };
}
