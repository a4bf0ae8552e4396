import type { Kysely } from "kysely";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { CalibrationService } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { ChatService } from "#gen/ts/consciousness/openai/v1/chat_service_pb.js";
import { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import { keyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { openSchema } from "../kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../kit/stores/database/migrate.js";
import { keepTending } from "../kit/tending.js";
import { implement, type Platform, type WorkloadDefinition } from "../kit/workload.js";
import { createAnswerCache } from "./answer-cache.js";
import { type EngineConfig, readConfig } from "./config.js";
import { createConversations } from "./conversations.js";
import { keyEncryptionKeySetting, openDataKeys } from "./data-keys.js";
import { createBuiltInIndex } from "./domain/built-in/index-built-in.js";
import { createExtractiveComposer } from "./domain/compose/extractive.js";
import { createProvider } from "./domain/compose/provider.js";
import { createProviderComposer } from "./domain/compose/provider-composer.js";
import { frameworks } from "./domain/frameworks/evaluate.js";
import { detectorsDigest } from "./domain/judges/judge-all.js";
import { findTold, maskPersonalData } from "./domain/judges/personal-data/personal-data.js";
import { shippedJudges } from "./domain/judges/shipped.js";
import { createKnowledgeIndexes } from "./domain/knowledge.js";
import { limitationsFrom } from "./domain/limitations.js";
import { createLoadReader } from "./domain/load.js";
import { shippedModelCard, shippedSupportModel, shippedTextModel } from "./domain/models/shipped.js";
import { createPipeline } from "./domain/pipeline.js";
import { createUsageMeter } from "./domain/process-usage.js";
import { createRecentRequests } from "./domain/recent-requests.js";
import type { PipelineDeps } from "./domain/run.js";
import { selfChecks } from "./domain/self.js";
import { feedbackStore } from "./feedback-store.js";
import { knownAgents } from "./known-agents.js";
import { createLlmJudge } from "./llm-judge.js";
import { observeDecision, observeProvider } from "./observe.js";
import { observeAgents, observeConversations, observeReadings } from "./observe-judging.js";
import { createJudgeThreads, offloadJudges, offloadMask, offloadReading, offloadTelling } from "./offload.js";
import { findModel } from "./openai/find-model.js";
import { createPolicies } from "./policies.js";
import { openPolicyFile } from "./policy-file.js";
import { policyStore } from "./policy-store.js";
import { pseudonymStore } from "./pseudonym-store.js";
import { createRecalibrations } from "./recalibrations.js";
import { createRecentAnswers } from "./recent-answers.js";
import { createResponders } from "./responders.js";
import { assessSelf } from "./rpc/assess-self.js";
import { createChatCompletion } from "./rpc/create-chat-completion.js";
import { evaluateEthics } from "./rpc/evaluate-ethics.js";
import { getCalibration } from "./rpc/get-calibration.js";
import { getDecision } from "./rpc/get-decision.js";
import { getPolicy } from "./rpc/get-policy.js";
import { getPolicyVersion } from "./rpc/get-policy-version.js";
import { getState } from "./rpc/get-state.js";
import { listDecisions } from "./rpc/list-decisions.js";
import { listModels } from "./rpc/list-models.js";
import { listPolicyVersions } from "./rpc/list-policy-versions.js";
import type { PolicyDeps } from "./rpc/policy-call.js";
import { process } from "./rpc/process.js";
import { processStream } from "./rpc/process-stream.js";
import { putPolicy } from "./rpc/put-policy.js";
import { recordFeedback } from "./rpc/record-feedback.js";
import { reflect } from "./rpc/reflect.js";
import { replayDecision } from "./rpc/replay-decision.js";
import { rollbackPolicy } from "./rpc/rollback-policy.js";
import { selfAssessmentStore } from "./self-assessment-store.js";
import { decisionStore, type EngineTables } from "./store.js";

const schema = "engine";
const dayMs = 86_400_000;

/** Answers for agents, judges every request and answer, and records what it decides. */
export const definition: WorkloadDefinition<EngineConfig> = {
  config: readConfig,

  async start(config, platform) {
    const database = await platform.database();
    await migrate(database, { schema, migrations: await readMigrations(schema) });
    const db = openSchema<EngineTables>(database, schema);
    const store = decisionStore({ db, clock: platform.clock });
    const feedback = feedbackStore({ db, clock: platform.clock });
    const enough = { ofEachKind: config.calibrationLabels };
    const policyFile = await openPolicyFile({ path: config.policyFile, log: platform.log });
    const versions = policyStore({ db, clock: platform.clock });
    const policies = await createPolicies({ store: versions, file: policyFile, platform, db });
    const pseudonyms = await openPseudonyms(config, platform, db);
    const conversations = createConversations({
      store: pseudonyms,
      policies,
      onRequest: observeConversations(platform.metrics),
    });
    const tending = keepTending({ "forgetting pseudonyms": pseudonyms.prune }, () => platform.log);
    const agents = await knownAgents({ agents: platform.peer(AgentsService), platform, db });
    const parts = createParts(config, platform);
    const { pipeline, pipelineDeps, responders, self, textJudge, support, observe, stop } = parts;
    const checkDatabase = (signal: AbortSignal) => database.ping(signal);
    const recalibrations = createRecalibrations({ store: feedback, clock: platform.clock });
    const recentAnswers = createRecentAnswers();
    const answers = createAnswerCache({ platform, depends: answersDependOn(config, pipelineDeps) });
    const answering = {
      agents,
      responders,
      policies,
      recalibrations,
      recentAnswers,
      answers,
      conversations,
      config,
    };
    const pending = new Set<Promise<unknown>>();
    const streaming = {
      ...answering,
      pipeline,
      store,
      observe,
      pending,
      clock: platform.clock,
      log: platform.log,
      streamTimeoutMs: config.streamTimeoutMs,
    };
    const list = platform.peer(AgentsService);
    const selfDeps = { ...self, checkDatabase, checkPolicyFile: policyFile.check };
    const card = shippedModelCard();
    const handlers = {
      process: process({ ...answering, pipeline, store, observe }),
      processStream: processStream({ ...streaming, windowedAllowed: config.streamWindowed }),
      getState: getState(selfDeps),
      assessSelf: assessSelf({
        ...selfDeps,
        clock: platform.clock,
        version: platform.version,
        modelsVersion: card.version,
        limitations: limitationsFrom(card),
        policies,
        decisions: store,
        assessments: selfAssessmentStore({ db, clock: platform.clock }),
      }),
      evaluateEthics: evaluateEthics({ ...textJudge, policies, ethicalStrictness: config.ethicalStrictness }),
      reflect: reflect({ store, builtIn: self.builtIn, support }),
      getDecision: getDecision({ store }),
      listDecisions: listDecisions({ store }),
      replayDecision: replayDecision({ store, policyStore: versions, policies, pipelineDeps }),
    };
    const { maskPersonalData } = textJudge;
    const chat = {
      createChatCompletion: createChatCompletion({
        ...streaming,
        maskPersonalData,
        findModel: findModel({ ...answering, list }),
        keepAliveMs: config.keepAliveMs,
      }),
      listModels: listModels({ list }),
    };
    return {
      implementations: [
        implement(EngineService, handlers),
        implement(ChatService, chat),
        implement(PolicyService, policyHandlers({ store: versions, policies, agents })),
        implement(CalibrationService, {
          recordFeedback: recordFeedback({ decisions: store, feedback, enough }),
          getCalibration: getCalibration({ feedback, agents, enough }),
        }),
      ],
      dependencies: [
        { name: "database", check: checkDatabase },
        ...(self.llmJudge ? [{ name: "llm_judge", degrades: true, check: self.llmJudge.check }] : []),
      ],
      selfChecks: (signal) => selfChecks(selfDeps, signal),
      modelsVersion: card.version,
      async stop() {
        await Promise.allSettled(pending);
        policyFile.stop();
        await Promise.all([agents.stop(), policies.stop(), tending.stop(), stop()]);
      },
    };
  },
};

/** What else than a request, its agent and its policy an answer depends on: versions, and what replicas are told alike. */
function answersDependOn(config: EngineConfig, { version, modelsVersion, judges, llmJudge }: PipelineDeps) {
  const { mostEvidence, fewestCovered, mostSentences, providers } = config;
  const asked = [...providers.values()].map(({ id, baseUrl, model }) => [id, baseUrl, model]);
  const judged = { version, modelsVersion, detectors: detectorsDigest(judges, llmJudge) };
  return { ...judged, mostEvidence, fewestCovered, mostSentences, asked };
}

function policyHandlers(deps: PolicyDeps) {
  return {
    getPolicy: getPolicy(deps),
    putPolicy: putPolicy(deps),
    listPolicyVersions: listPolicyVersions(deps),
    getPolicyVersion: getPolicyVersion(deps),
    rollbackPolicy: rollbackPolicy(deps),
  };
}

/** Rejects with `ConfigError` when the pseudonyms there are were kept under another key. */
async function openPseudonyms(
  { keyEncryptionKey: configured, pseudonymDays }: EngineConfig,
  { clock, dataDirectory }: Platform,
  db: Kysely<EngineTables>,
) {
  const file = "engine-key-encryption-key";
  const key = { setting: keyEncryptionKeySetting, configured, directory: dataDirectory, file };
  const keys = await openDataKeys({ db, keyEncryptionKey: await keyEncryptionKey(key), clock });
  return pseudonymStore({ db, keys, clock, keptMs: pseudonymDays * dayMs });
}

/** All of the engine that needs no database. */
function createParts(config: EngineConfig, platform: Platform) {
  const { clock, load, metrics, version } = platform;
  const builtIn = createBuiltInIndex();
  const embedded = createExtractiveComposer(config);
  const observe = observeProvider(metrics);
  const providers = [...config.providers.values()].map((one) => createProvider({ config: one, observe }));
  const composers = new Map(providers.map((one) => [one.id, createProviderComposer(one)]));
  const knowledgeOf = createKnowledgeIndexes(config.knowledgeCacheSize);
  const recent = createRecentRequests();
  const count = observeDecision(metrics);
  const noteAgent = observeAgents(metrics, clock);
  const readLoad = createLoadReader(load);
  const threads = createJudgeThreads();
  const judges = offloadJudges(shippedJudges(), threads.offload);
  const llmJudge = config.llmJudge && createLlmJudge({ config: config.llmJudge, platform, observe });
  const textJudge = {
    clock,
    judges,
    ...(llmJudge && { llmJudge }),
    frameworks,
    maskPersonalData: offloadMask(maskPersonalData, threads.offload),
    readText: offloadReading((text) => shippedTextModel().read(text), threads.offload),
    budgets: config.budgets,
  };
  const support = shippedSupportModel();
  const pipelineDeps: PipelineDeps = {
    ...textJudge,
    fallback: embedded,
    support,
    findTold: offloadTelling(findTold, threads.offload),
    load: readLoad,
    background: builtIn,
    mostEvidence: config.mostEvidence,
    version,
    modelsVersion: shippedModelCard().version,
    measureUsage: createUsageMeter(clock),
  };
  return {
    // Replays read texts too, which are no traffic.
    pipeline: createPipeline({ ...pipelineDeps, readText: observeReadings(textJudge.readText, metrics) }),
    pipelineDeps,
    textJudge,
    support,
    async stop() {
      for (const provider of providers) provider.stop();
      llmJudge?.stop();
      await threads.stop();
    },
    responders: createResponders({ builtIn, embedded, providers: composers, knowledgeOf }),
    self: { load: readLoad, recent, judges, ...(llmJudge && { llmJudge }), builtIn, support },
    observe: (decision: Decision) => {
      recent.add(decision);
      count(decision);
      noteAgent(decision.agentId);
    },
  };
}
