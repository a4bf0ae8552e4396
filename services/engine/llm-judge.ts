import { createHash } from "node:crypto";
import type { Opinion } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { createProvider } from "./domain/compose/provider.js";
import type { ProviderOutcome } from "./domain/compose/provider-outcome.js";
import { createAskModel, failedOpinion, opinionsDigest } from "./domain/judges/llm/ask-model.js";
import { type LlmJudge, type OpinionRequest, opinionDigest } from "./domain/judges/llm/llm-judge.js";
import { canonicalJson } from "./domain/judges/policy-digest.js";
import { createKnownOpinions, type KnownOpinionsOptions } from "./known-opinions.js";
import type { LlmJudgeConfig } from "./llm-judge-config.js";
import { createTimedOpinions, failureOf, type TimedOpinions, type TimedOptions } from "./timed-opinions.js";

/** What the judge is made of. */
export interface LlmJudgeOptions {
  readonly config: LlmJudgeConfig;
  readonly platform: KnownOpinionsOptions["platform"] & TimedOptions["platform"];
  /** Told of every exchange with the provider. */
  readonly observe: (outcome: ProviderOutcome) => void;
}

/** A judge that asks a provider. */
export interface AskingJudge extends LlmJudge {
  /** Rejects while the last answer that was asked for did not come, or was none. Asks nobody. */
  check(): Promise<void>;
  stop(): void;
}

/** Makes the judge. Its breaker and its connections are its own, whoever else asks the same provider. */
export function createLlmJudge({ config, platform, observe }: LlmJudgeOptions): AskingJudge {
  const { scopes, when, failsClosed, thresholds, keptMs } = config;
  const { id, model, baseUrl, timeoutMs: mostMs } = config.provider;
  const provider = createProvider({ config: config.provider, observe });
  const said = opinionsDigest({ provider, model, thresholds });
  const source = watched(createAskModel({ provider, model, thresholds }));
  const opinions = createTimedOpinions({
    platform,
    find: createKnownOpinions({ platform, load: source.ask, said: digestOf({ said, baseUrl }), keptMs }),
    failed: (scope, failure) => failedOpinion(id, model, scope, failure),
    attributes: { "consciousness.provider": id, "gen_ai.request.model": model },
  });
  const wants: LlmJudge["wants"] = ({ scope, uncertain }) =>
    scopes.has(scope) && (when === "always" || uncertain);
  return {
    name: `llm ${model}`,
    digest: digestOf({ said, when, scopes: [...scopes].sort((a, b) => a - b) }),
    failsClosed,
    wants,
    begin(tenant) {
      const once = eachOnce(tenant, opinions, mostMs);
      return {
        mostMs,
        failsClosed,
        ask: (request, signal) => (wants(request) ? once(request, signal) : undefined),
      };
    },
    check: source.check,
    stop() {
      source.stop();
      provider.stop();
    },
  };
}

/** Asks about each text once. A stage has one signal, and the time of one opinion for all of its texts. */
function eachOnce(tenant: string, opinions: TimedOpinions, mostMs: number) {
  const known = new Map<string, Promise<Opinion>>();
  const spent = new WeakMap<AbortSignal, number>();
  const ask = async (request: OpinionRequest, signal: AbortSignal): Promise<Opinion> => {
    const before = spent.get(signal) ?? 0;
    const opinion = await opinions({ request, tenant }, mostMs - before, signal);
    spent.set(signal, before + opinion.durationMs);
    return opinion;
  };
  return (request: OpinionRequest, signal: AbortSignal): Promise<Opinion> => {
    const key = opinionDigest(request);
    const opinion = known.get(key) ?? ask(request, signal);
    known.set(key, opinion);
    opinion.catch(() => known.delete(key));
    return opinion;
  };
}

/**
 * Remembers how the last question went. None ends with the request that asked
 * it, as others may wait for the same answer.
 */
function watched(ask: ReturnType<typeof createAskModel>) {
  const stopping = new AbortController();
  let failing: string | undefined;
  return {
    async ask(request: OpinionRequest): Promise<Opinion> {
      try {
        const opinion = await ask(request, stopping.signal);
        failing = undefined;
        return opinion;
      } catch (error) {
        failing = failureOf(error);
        throw error;
      }
    },
    async check() {
      if (failing !== undefined) throw new Error(`the last opinion failed: ${failing}`);
    },
    stop: () => stopping.abort(),
  };
}

function digestOf(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
