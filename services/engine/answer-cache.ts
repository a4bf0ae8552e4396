import type { Metrics } from "../kit/metrics.js";
import type { Cache, CacheRead } from "../kit/stores/cache/port.js";
import type { Platform } from "../kit/workload.js";
import { answerKey, type KnownAnswer, type KnownAnswers, mayBeKept } from "./domain/known-answers.js";
import type { EffectivePolicy } from "./domain/policy/policy.js";
import type { Responder, Strictness } from "./domain/run.js";
import { raceBudget } from "./domain/stage.js";
import { isRecord } from "./json-record.js";
import { agentGroup } from "./known-agents.js";
import { policiesGroup } from "./policies.js";

/** Who is asked, and by which rules. */
export interface Asked {
  readonly tenant: string;
  readonly policy: Pick<EffectivePolicy, "digest">;
  readonly responder: Responder;
  readonly options: Strictness;
  /** What else the composer is told; undefined for nothing. */
  readonly beside?: unknown;
}

/** Answers that were given before. */
export interface AnswerCache {
  /** For one request; undefined where the responder allows none. */
  of(asked: Asked): KnownAnswers | undefined;
}

/** What keeping answers takes. */
export interface AnswerCacheOptions {
  readonly platform: Pick<Platform, "cache" | "hears"> & { readonly metrics: Pick<Metrics, "cacheReads"> };
  /** What answers depend on besides the request: versions and settings. */
  readonly depends: unknown;
}

/** Longer than the cache takes by far, and little beside any provider. */
const readMs = 250;
/** Of one answer; longer ones are not kept. */
const mostCharacters = 32_768;

interface Kept extends KnownAnswer {
  /** Generation of the tenant's policies when it was composed. */
  readonly policies: string;
}

/**
 * Keeps answers in the cache that replicas share, which bounds them all and lets
 * the longest unread go. They stand in the group of their agent, and name the
 * generation of the tenant's policies, so what forgets agents and policies by
 * their events forgets answers too. Where those events do not arrive nothing is
 * kept. A cache that is away costs nothing but the composing.
 */
export function createAnswerCache({ platform, depends }: AnswerCacheOptions): AnswerCache {
  const { cache, metrics } = platform;
  const heard = platform.hears("agents") && platform.hears("engine");
  return {
    of({ tenant, policy, responder, options, beside }) {
      const { reuse, agentId, composer, calibration } = responder;
      if (!heard || !reuse || reuse.agentVersion === "") return undefined;
      const version = { agentId, version: reuse.agentVersion, composer: composer.id, calibration };
      const rules = { policy: policy.digest, options, depends, beside };
      const life = { freshMs: reuse.maxAgeMs, staleMs: 0 };
      let missed: ((decision: Decided) => void) | undefined;
      return {
        async find(wanted, signal) {
          const name = `answer.v1/${answerKey(wanted, { version, rules })}`;
          const key = { tenant, group: agentGroup(agentId), name };
          const read = await readBoth(cache, key, signal);
          const kept = read && answerOf(read.answer, read.policies);
          metrics.cacheReads.add({ cache: "answers", outcome: kept ? "hit" : read ? "miss" : "away" });
          if (kept || !read) return kept;
          const { generation } = read.answer;
          missed = ({ id, content, finishReason }) => {
            const value: Kept = { decisionId: id, content, finishReason, policies: read.policies.generation };
            const bytes = Buffer.from(JSON.stringify(value));
            cache.write(key, bytes, { ...life, generation }).catch(() => undefined);
          };
          return undefined;
        },
        keep(decision) {
          const fits = decision.content.length <= mostCharacters && decision.composer === composer.id;
          if (fits && mayBeKept(decision)) missed?.(decision);
        },
      };
    },
  };
}

interface Decided {
  readonly id: string;
  readonly content: string;
  readonly finishReason: string;
}

/** The answer, and the policies' generation; undefined when the cache is away. Rejects when the signal aborts. */
async function readBoth(cache: Cache, key: Parameters<Cache["read"]>[0], outer: AbortSignal) {
  const { tenant } = key;
  const policies = { tenant, group: policiesGroup, name: "answers" };
  try {
    const both = () => Promise.all([cache.read(key), cache.read(policies)]);
    const [answer, ofPolicies] = await raceBudget(readMs, outer, both);
    return { answer, policies: ofPolicies };
  } catch {
    outer.throwIfAborted();
    return undefined;
  }
}

function answerOf(answer: CacheRead, policies: CacheRead): KnownAnswer | undefined {
  if (!answer.value || !answer.fresh) return undefined;
  const kept = decoded(answer.value);
  return kept?.policies === policies.generation ? kept : undefined;
}

/** Undefined for what another release has written in another form. */
function decoded(bytes: Uint8Array): Kept | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return isKept(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isKept(value: unknown): value is Kept {
  if (!isRecord(value)) return false;
  const { decisionId, content, finishReason, policies } = value;
  const texts = [decisionId, content, finishReason, policies].every((part) => typeof part === "string");
  return texts && decisionId !== "" && content !== "";
}
