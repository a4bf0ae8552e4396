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
