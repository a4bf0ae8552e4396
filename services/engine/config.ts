import { type ConfigSource, flag, integer, json, number, text } from "../kit/config.js";
import { readKeyEncryptionKey } from "../kit/sealing/key-encryption-key.js";
import { keyEncryptionKeySetting } from "./data-keys.js";
import { isRecord } from "./json-record.js";
import { type LlmJudgeConfig, readLlmJudge } from "./llm-judge-config.js";
import { type ProviderConfig, readProviders } from "./provider-config.js";

export type { ProviderConfig };

/** The stages of a request, in order. */
export const stageNames = [
  "admit",
  "mask",
  "screen_input",
  "retrieve",
  "screen_evidence",
  "compose",
  "screen_output",
  "reflect",
  "screen_revision",
  "settle",
] as const;

/** A stage of a request. */
export type StageName = (typeof stageNames)[number];

/** Time each stage may take, in milliseconds. A check that takes longer withholds the answer. */
export type StageBudgets = Readonly<Record<StageName, number>>;

/** What an operator decides about the engine. */
export interface EngineConfig {
  /** Used when a request names none, 0..1. */
  readonly qualityThreshold: number;
  /** Used when a request names none, 0..1. */
  readonly ethicalStrictness: number;
  /** Used when a request names none, 0..3. */
  readonly reflectionDepth: number;
  readonly budgets: StageBudgets;
  /** By id. */
  readonly providers: ReadonlyMap<string, ProviderConfig>;
  /** Asked as judge after rules and heads; undefined for none. */
  readonly llmJudge: LlmJudgeConfig | undefined;
  /** Most passages offered to a composer. */
  readonly mostEvidence: number;
  /** See `ExtractiveOptions`. */
  readonly fewestCovered: number;
  readonly mostSentences: number;
  /** How long a stream may take to its verdict, in milliseconds. */
  readonly streamTimeoutMs: number;
  /** After how much silence an event stream of the OpenAI-compatible route gets a comment, in milliseconds. */
  readonly keepAliveMs: number;
  /** Whether answers may leave in windows before all of them has been judged, where the caller asks for it. */
  readonly streamWindowed: boolean;
  /** Agents whose indexed knowledge is kept in memory. */
  readonly knowledgeCacheSize: number;
  /** The operator's policy in YAML; empty for none. */
  readonly policyFile: string;
  /** Labels of each kind that recalibrate an agent's confidence; five times as many in all. */
  readonly calibrationLabels: number;
  /** 32 bytes that seal the tenants' data keys; kept in a file of the data directory when absent. */
  readonly keyEncryptionKey: Uint8Array | undefined;
  /** How long a conversation's pseudonyms are kept after it last had personal data, in days. */
  readonly pseudonymDays: number;
}

/** The engine as shipped. */
export const defaults: EngineConfig = {
  qualityThreshold: 0.5,
  ethicalStrictness: 0.9,
  reflectionDepth: 3,
  budgets: {
    admit: 10,
    mask: 250,
    screen_input: 500,
    retrieve: 500,
    screen_evidence: 250,
    compose: 20_000,
    screen_output: 250,
    reflect: 500,
    screen_revision: 250,
    settle: 250,
  },
  providers: new Map(),
  llmJudge: undefined,
  mostEvidence: 8,
  fewestCovered: 0.5,
  mostSentences: 4,
  streamTimeoutMs: 60_000,
  keepAliveMs: 5_000,
  streamWindowed: false,
  knowledgeCacheSize: 64,
  policyFile: "",
  calibrationLabels: 10,
  keyEncryptionKey: undefined,
  pseudonymDays: 30,
};

/** Reads the configuration; problems stay in the source. */
export function readConfig(source: ConfigSource): EngineConfig {
  const values = source.read({
    ENGINE_QUALITY_THRESHOLD: number(0, 1, { fallback: defaults.qualityThreshold }),
    ENGINE_ETHICAL_STRICTNESS: number(0, 1, { fallback: defaults.ethicalStrictness }),
    ENGINE_REFLECTION_DEPTH: integer(0, 3, { fallback: defaults.reflectionDepth }),
    ENGINE_STAGE_BUDGETS_MS: json("an object of milliseconds by stage", toBudgets, {
      fallback: defaults.budgets,
    }),
    ENGINE_STREAM_TIMEOUT_MS: integer(1, 600_000, { fallback: defaults.streamTimeoutMs }),
    ENGINE_KEEP_ALIVE_MS: integer(1, 60_000, { fallback: defaults.keepAliveMs }),
    ENGINE_STREAM_WINDOWED: flag({ fallback: defaults.streamWindowed }),
    POLICY_FILE: text({ fallback: defaults.policyFile, expected: "a path" }),
    ENGINE_KNOWLEDGE_CACHE_SIZE: integer(1, 10_000, { fallback: defaults.knowledgeCacheSize }),
    ENGINE_CALIBRATION_LABELS: integer(5, 1000, { fallback: defaults.calibrationLabels }),
    ENGINE_PSEUDONYM_DAYS: integer(1, 3650, { fallback: defaults.pseudonymDays }),
  });
  const providers = readProviders(source);
  return {
    ...defaults,
    qualityThreshold: values.ENGINE_QUALITY_THRESHOLD,
    ethicalStrictness: values.ENGINE_ETHICAL_STRICTNESS,
    reflectionDepth: values.ENGINE_REFLECTION_DEPTH,
    budgets: values.ENGINE_STAGE_BUDGETS_MS,
    providers,
    llmJudge: readLlmJudge(source, providers),
    streamTimeoutMs: values.ENGINE_STREAM_TIMEOUT_MS,
    keepAliveMs: values.ENGINE_KEEP_ALIVE_MS,
    streamWindowed: values.ENGINE_STREAM_WINDOWED,
    policyFile: values.POLICY_FILE,
    knowledgeCacheSize: values.ENGINE_KNOWLEDGE_CACHE_SIZE,
    calibrationLabels: values.ENGINE_CALIBRATION_LABELS,
    keyEncryptionKey: readKeyEncryptionKey(source, keyEncryptionKeySetting),
    pseudonymDays: values.ENGINE_PSEUDONYM_DAYS,
  };
}

/** Budgets over the shipped ones; undefined when a stage is unknown or a number is none. */
function toBudgets(value: unknown): StageBudgets | undefined {
  if (!isRecord(value)) return undefined;
  const entries = Object.entries(value);
  const known: readonly string[] = stageNames;
  const fits = entries.every(([name, ms]) => known.includes(name) && isWithin(ms, 1, 60_000));
  return fits ? { ...defaults.budgets, ...(value as Partial<StageBudgets>) } : undefined;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= least && value <= most;
}
