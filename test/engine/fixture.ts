import { defaults } from "../../services/engine/config.js";
import { createBuiltInIndex } from "../../services/engine/domain/built-in/index-built-in.js";
import type { Composer, Composition } from "../../services/engine/domain/compose/composer.js";
import { createExtractiveComposer } from "../../services/engine/domain/compose/extractive.js";
import { frameworks } from "../../services/engine/domain/frameworks/evaluate.js";
import { maskPersonalData } from "../../services/engine/domain/judges/personal-data/personal-data.js";
import { createRuleJudge } from "../../services/engine/domain/judges/rule-judge.js";
import { ruleCatalogue } from "../../services/engine/domain/judges/rules/catalogue.js";
import { createPipeline } from "../../services/engine/domain/pipeline.js";
import { type EffectivePolicy, effectivePolicy } from "../../services/engine/domain/policy/policy.js";
import { createIndex } from "../../services/engine/domain/retrieval/bm25.js";
import { splitPassages } from "../../services/engine/domain/retrieval/passages.js";
import type {
  PipelineDeps,
  PipelineRequest,
  Responder,
  Strictness,
} from "../../services/engine/domain/run.js";
import type { Clock } from "../../services/kit/clock.js";

export const builtIn = createBuiltInIndex();
export const embedded = createExtractiveComposer(defaults);
export const shippedRules = effectivePolicy([]);
export const ruleJudge = createRuleJudge(ruleCatalogue);

/** A clock that stands at a fixed time until it is moved. */
export function fixedClock(): Clock & { advance(ms: number): void } {
  let ms = 0;
  return {
    now: () => Date.UTC(2026, 0, 2) + ms,
    monotonic: () => ms,
    advance: (by) => {
      ms += by;
    },
  };
}

/** Real parts on a fixed clock. */
export function pipelineDeps(overrides: Partial<PipelineDeps> = {}): PipelineDeps {
  return {
    clock: fixedClock(),
    judges: [ruleJudge],
    frameworks,
    fallback: embedded,
    maskPersonalData,
    load: () => 0.25,
    budgets: defaults.budgets,
    background: builtIn,
    mostEvidence: defaults.mostEvidence,
    version: "1.2.3",
    modelsVersion: "2026.7",
    ...overrides,
  };
}

/** The engine itself, or an agent that knows the given text. */
export function responder(knowledge?: string, overrides: Partial<Responder> = {}): Responder {
  const own = knowledge === undefined ? undefined : [{ title: "Handbook", text: knowledge }];
  return {
    agentId: own ? "019a0000-0000-7000-8000-000000000001" : "",
    goals: [],
    instructions: "",
    composer: embedded,
    grounded: true,
    knowledge: own ? createIndex(splitPassages(own, "knowledge")) : builtIn,
    ...overrides,
  };
}

export const shipped: Strictness = { qualityThreshold: 0.5, ethicalStrictness: 0.9, maxReflectionDepth: 3 };

/** What a test says about its request. */
export interface Asked {
  readonly input: string;
  readonly context?: Record<string, string>;
  readonly options?: Partial<Strictness>;
  readonly responder?: Responder;
  readonly policy?: EffectivePolicy;
}

export function pipelineRequest({ input, context = {}, options = {}, ...asked }: Asked): PipelineRequest {
  return {
    decisionId: "019a0000-0000-7000-8000-00000000000d",
    requestId: "019a0000-0000-7000-8000-00000000000e",
    tenant: "default",
    subject: "ann",
    queueMs: 3,
    input,
    context,
    options: { ...shipped, ...options },
    policy: asked.policy ?? shippedRules,
    responder: asked.responder ?? responder(),
  };
}

/** Decides one request with real parts, those replaced that the test names. */
export function decide(asked: Asked, overrides: Partial<PipelineDeps> = {}, signal = never) {
  return createPipeline(pipelineDeps(overrides))(pipelineRequest(asked), signal);
}

export const never = new AbortController().signal;

/** A composer that says what it is told to, as a provider might. */
export function sayingComposer(content: string): Composer {
  return { id: "stand-in", compose: (): Composition => ({ composed: true, content }) };
}
