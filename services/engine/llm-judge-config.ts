import { Scope } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type ConfigSource, json } from "../kit/config.js";
import type { OpinionThresholds } from "./domain/judges/llm/ask-model.js";
import { isRecord } from "./json-record.js";
import type { ProviderConfig } from "./provider-config.js";

/** The language model that is asked as judge, and what its word does. */
export interface LlmJudgeConfig {
  /** Where it is; the time is all that one opinion has, attempts together. */
  readonly provider: ProviderConfig;
  /** `uncertain`: where a head warns; `always`: wherever no rule decides. */
  readonly when: "uncertain" | "always";
  /** Texts on which it is asked. */
  readonly scopes: ReadonlySet<Scope>;
  /** Whether without its opinion the verdict is CHECK_UNAVAILABLE. */
  readonly failsClosed: boolean;
  readonly thresholds: OpinionThresholds;
  /** How long an opinion is used again, in milliseconds; 0: never. */
  readonly keptMs: number;
}

const expected =
  "an object with provider, the id of one of ENGINE_PROVIDERS, and when, scopes, failure_mode, timeout_ms, " +
  "block_from, lower_from and cache_seconds as the README has them";

/** Longest time that an opinion may take: EvaluateEthics waits for it, which has 5 s. */
const longestMs = 4_000;
const longestKeptSeconds = 86_400;

const scopesByName = new Map([
  ["INPUT", Scope.INPUT],
  ["EVIDENCE", Scope.EVIDENCE],
  ["OUTPUT", Scope.OUTPUT],
  ["TOOL_CALL", Scope.TOOL_CALL],
]);
const shippedScopes = ["INPUT", "OUTPUT", "TOOL_CALL"];

/** Reads which provider is the judge; undefined for none. Problems stay in the source. */
export function readLlmJudge(
  source: ConfigSource,
  providers: ReadonlyMap<string, ProviderConfig>,
): LlmJudgeConfig | undefined {
  const { ENGINE_LLM_JUDGE } = source.read({
    ENGINE_LLM_JUDGE: json<LlmJudgeConfig | undefined>(expected, (value) => toConfig(value, providers), {
      fallback: undefined,
    }),
  });
  return ENGINE_LLM_JUDGE;
}

/** With its defaults; undefined when something is missing, wrong or unknown. */
function toConfig(
  value: unknown,
  providers: ReadonlyMap<string, ProviderConfig>,
): LlmJudgeConfig | undefined {
  if (!isRecord(value)) return undefined;
  const {
    provider: id,
    when = "uncertain",
    scopes = shippedScopes,
    failure_mode = "open",
    timeout_ms = 3_000,
    block_from = 0.9,
    lower_from = 0.8,
    cache_seconds = 3_600,
    ...rest
  } = value;
  const provider = typeof id === "string" ? providers.get(id) : undefined;
  const asked = scopesOf(scopes);
  if (!provider || !asked || Object.keys(rest).length > 0) return undefined;
  if (when !== "uncertain" && when !== "always") return undefined;
  if (failure_mode !== "open" && failure_mode !== "closed") return undefined;
  if (!isWithin(timeout_ms, 1, longestMs) || !isWithin(cache_seconds, 0, longestKeptSeconds))
    return undefined;
  if (!isWithin(block_from, 0, 1) || !isWithin(lower_from, 0, 1)) return undefined;
  return {
    provider: { ...provider, timeoutMs: timeout_ms },
    when,
    scopes: asked,
    failsClosed: failure_mode === "closed",
    thresholds: { blockFrom: block_from, lowerFrom: lower_from },
    keptMs: cache_seconds * 1000,
  };
}

function scopesOf(value: unknown): ReadonlySet<Scope> | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const scopes = value.map((name) => scopesByName.get(name)).filter((scope) => scope !== undefined);
  return scopes.length === value.length ? new Set(scopes) : undefined;
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= least && value <= most;
}
