import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { systemClock } from "../kit/clock.js";
import { newId } from "../kit/ids.js";
import { defaults } from "./config.js";
import { createBuiltInIndex } from "./domain/built-in/index-built-in.js";
import { createExtractiveComposer } from "./domain/compose/extractive.js";
import { frameworks } from "./domain/frameworks/evaluate.js";
import { maskPersonalData } from "./domain/judges/personal-data/personal-data.js";
import { shippedJudges } from "./domain/judges/shipped.js";
import { shippedModelCard, shippedSupportModel, shippedTextModel } from "./domain/models/shipped.js";
import { createPipeline } from "./domain/pipeline.js";
import { effectivePolicy } from "./domain/policy/policy.js";
import type { Responder } from "./domain/run.js";

/** Asks the engine about itself with nothing running: decided as `Process` does, but not stored. */
export function askEngine(input: string, version: string): Promise<Decision> {
  const builtIn = createBuiltInIndex();
  const composer = createExtractiveComposer(defaults);
  const pipeline = createPipeline({
    clock: systemClock,
    judges: shippedJudges(),
    readText: (text) => shippedTextModel().read(text),
    support: shippedSupportModel(),
    frameworks,
    maskPersonalData,
    budgets: defaults.budgets,
    fallback: composer,
    load: () => 0,
    background: builtIn,
    mostEvidence: defaults.mostEvidence,
    version,
    modelsVersion: shippedModelCard().version,
  });
  const responder: Responder = {
    agentId: "",
    goals: [],
    instructions: "",
    composer,
    grounded: true,
    knowledge: builtIn,
  };
  const request = {
    policy: effectivePolicy([]),
    decisionId: newId(),
    requestId: newId(),
    tenant: "default",
    subject: "command-line",
    queueMs: 0,
    input,
    context: {},
    options: {
      qualityThreshold: defaults.qualityThreshold,
      ethicalStrictness: defaults.ethicalStrictness,
      maxReflectionDepth: defaults.reflectionDepth,
    },
    responder,
  };
  return pipeline(request, new AbortController().signal);
}
