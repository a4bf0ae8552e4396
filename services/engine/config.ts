import { type ConfigSource, integer, json, number } from "../kit/config.js";

/** An OpenAI-compatible server that composes answers. */
export interface ProviderConfig {
  /** The name by which agents refer to it. */
  readonly id: string;
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as bearer token; never logged. */
  readonly apiKey: string | undefined;
  /** For all attempts together, in milliseconds. */
  readonly timeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  /** Before the second attempt, in milliseconds; doubles after that. */
  readonly retryDelayMs: number;
  /** Largest answer that is read. */
  readonly mostBytes: number;
}

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
  /** Most passages offered to a composer. */
  readonly mostEvidence: number;
  /** See `ExtractiveOptions`. */
  readonly fewestCovered: number;
  readonly mostSentences: number;
  /** Agents whose indexed knowledge is kept in memory. */
  readonly knowledgeCacheSize: number;
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
  mostEvidence: 8,
  fewestCovered: 0.5,
  mostSentences: 4,
  knowledgeCacheSize: 64,
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
    // Secret, since it holds the keys.
    ENGINE_PROVIDERS: json("a list of providers with id, base_url and model", toProviders, {
      fallback: defaults.providers,
      secret: true,
    }),
    ENGINE_KNOWLEDGE_CACHE_SIZE: integer(1, 10_000, { fallback: defaults.knowledgeCacheSize }),
  });
  return {
    ...defaults,
    qualityThreshold: values.ENGINE_QUALITY_THRESHOLD,
    ethicalStrictness: values.ENGINE_ETHICAL_STRICTNESS,
    reflectionDepth: values.ENGINE_REFLECTION_DEPTH,
    budgets: values.ENGINE_STAGE_BUDGETS_MS,
    providers: values.ENGINE_PROVIDERS,
    knowledgeCacheSize: values.ENGINE_KNOWLEDGE_CACHE_SIZE,
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

function toProviders(value: unknown): ReadonlyMap<string, ProviderConfig> | undefined {
  if (!Array.isArray(value)) return undefined;
  const providers = value.map(toProvider).filter((provider) => provider !== undefined);
  const byId = new Map(providers.map((provider) => [provider.id, provider]));
  return byId.size === value.length ? byId : undefined;
}

/** One provider with its defaults; undefined when something is missing, wrong or unknown. */
function toProvider(value: unknown): ProviderConfig | undefined {
  if (!isRecord(value)) return undefined;
  const {
    id,
    base_url,
    model,
    api_key,
    timeout_ms = 15_000,
    retries = 2,
    most_bytes = 65_536,
    ...rest
  } = value;
  if (typeof id !== "string" || !isProviderId(id) || typeof model !== "string" || model === "")
    return undefined;
  if (typeof base_url !== "string" || !isHttpUrl(base_url)) return undefined;
  if (api_key !== undefined && typeof api_key !== "string") return undefined;
  if (!isWithin(timeout_ms, 1, 60_000) || !isWithin(retries, 0, 5)) return undefined;
  if (!isWithin(most_bytes, 1, 1_048_576) || Object.keys(rest).length > 0) return undefined;
  const baseUrl = base_url.endsWith("/") ? base_url.slice(0, -1) : base_url;
  const limits = { timeoutMs: timeout_ms, retries, mostBytes: most_bytes, retryDelayMs: 100 };
  return { id, baseUrl, model, apiKey: api_key, ...limits };
}

/** As the contract of agents has it. */
function isProviderId(id: string): boolean {
  return /^[a-z0-9][a-z0-9-]{0,62}$/.test(id);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= least && value <= most;
}
