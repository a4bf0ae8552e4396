import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Opinion, OpinionSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { cached } from "../kit/stores/cache/cached.js";
import type { Platform } from "../kit/workload.js";
import { type OpinionRequest, opinionDigest } from "./domain/judges/llm/llm-judge.js";

/** What knowing opinions takes. */
export interface KnownOpinionsOptions {
  readonly platform: Pick<Platform, "cache" | "metrics" | "log">;
  /** Asks for an opinion that is not known. */
  readonly load: (request: OpinionRequest) => Promise<Opinion>;
  /** Digest of all that decides opinions beside their text. */
  readonly said: string;
  /** How long they are known, in milliseconds; 0: not at all. */
  readonly keptMs: number;
}

/** A tenant's question. */
export interface TenantsQuestion {
  readonly request: OpinionRequest;
  readonly tenant: string;
}

/** An opinion, and who had it. */
export interface FoundOpinion {
  readonly opinion: Opinion;
  readonly source: "provider" | "cache";
}

/** An opinion in progress costs memory; more than these are refused. */
const mostLoads = 64;

/**
 * Opinions by the model, the prompt, the thresholds, the masked text and what it
 * was judged in, kept in the platform's cache within its bounds. Those of one
 * tenant are of no use to another; failures are not kept. Who asks while the
 * same is being asked waits for that answer. Rejects as `load` does.
 */
export function createKnownOpinions({ platform, load, said, keptMs }: KnownOpinionsOptions) {
  const { cache, metrics, log } = platform;
  const ask = async ({ request, asked }: Asking): Promise<Opinion> => {
    asked.yes = true;
    return load(request);
  };
  const known = cached<Asking, Opinion>({
    cache,
    name: "llm_opinions",
    keyOf: ({ request, tenant }) => ({ tenant, group: "llm-opinions", name: nameOf(request, said) }),
    load: ask,
    codec: {
      encode: (opinion) => toBinary(OpinionSchema, opinion),
      decode: (bytes) => fromBinary(OpinionSchema, bytes),
    },
    metrics,
    log,
    ttlMs: keptMs,
    mostLoads,
  });
  return async (question: TenantsQuestion): Promise<FoundOpinion> => {
    const asking = { ...question, asked: { yes: false } };
    const opinion = await (keptMs === 0 ? ask(asking) : known(asking));
    return asking.asked.yes
      ? { opinion, source: "provider" }
      : { opinion: withoutCost(opinion), source: "cache" };
  };
}

interface Asking extends TenantsQuestion {
  /** Whether this very question went to the model. */
  readonly asked: { yes: boolean };
}

function nameOf(request: OpinionRequest, said: string): string {
  const about = createHash("sha256")
    .update(`${said} ${opinionDigest(request)}`)
    .digest("hex");
  return `opinion.v1/${about}`;
}

/** What was paid once is not paid again. */
function withoutCost({ cost: _, ...opinion }: Opinion): Opinion {
  return create(OpinionSchema, { ...opinion, cached: true, inputTokens: 0, outputTokens: 0 });
}
