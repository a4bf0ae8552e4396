import type { Kysely } from "kysely";
import { LRUCache } from "lru-cache";
import { deadLettersOf } from "../kit/events/dead-letters-of.js";
import { cached } from "../kit/stores/cache/cached.js";
import { invalidateByEvents } from "../kit/stores/cache/invalidate.js";
import type { Platform } from "../kit/workload.js";
import { type EffectivePolicy, effectivePolicy, type Layer, policyUnder } from "./domain/policy/policy.js";
import { digestOf } from "./domain/policy/policy-digest.js";
import { type PolicyDocument, readPolicy } from "./domain/policy/read-policy.js";
import type { PolicyFile } from "./policy-file.js";
import type { PolicyOwner, PolicyStore } from "./policy-store.js";

/** The policies in force. */
export interface Policies {
  /** By which the texts of a tenant, or of one of its agents, are judged. */
  of(owner: PolicyOwner): Promise<EffectivePolicy>;
  /** The one that would be in force with another document of the tenant. Throws as `layAbove` does. */
  withTenantDocument(owner: PolicyOwner, document: PolicyDocument): Promise<EffectivePolicy>;
  /** Documents that lie below an owner's own, from the lowest. */
  below(owner: PolicyOwner): Promise<readonly Layer[]>;
  /** Forgets what is known of a tenant's documents, here. */
  forget(tenant: string): Promise<void>;
  stop(): Promise<void>;
}

/** What finding policies takes. */
export interface PoliciesOptions<Tables> {
  readonly store: Pick<PolicyStore, "head" | "keep">;
  readonly file: PolicyFile;
  readonly platform: Pick<Platform, "cache" | "bus" | "hears" | "metrics" | "log" | "clock">;
  /** The engine's schema. */
  readonly db: Kysely<Tables>;
}

/** A document as it is cached. */
interface Stored {
  /** 0 without one. */
  readonly version: number;
  readonly document: string;
}

/** The cache group of all that derives from a tenant's policies, which ends with every change of one. */
export const policiesGroup = "policies";

const mostCompiled = 256;
const mostKept = 10_000;
const none: Stored = { version: 0, document: "" };

/**
 * Finds policies. Documents are kept in the shared cache until an event says
 * that they changed, for 5 minutes at most, and only where events of the engine
 * arrive; what they compile to is kept here, by what they say.
 */
export async function createPolicies<Tables>(options: PoliciesOptions<Tables>): Promise<Policies> {
  const { store, file, platform } = options;
  const { stored, forget, stop } = await knownDocuments(options);
  const compiled = new LRUCache<string, EffectivePolicy>({ max: mostCompiled });
  const kept = new LRUCache<string, true>({ max: mostKept });

  const layersOf = async ({ tenant, agentId }: PolicyOwner): Promise<readonly Layer[]> => {
    const own = await stored({ tenant, agentId: "" });
    const agents = agentId === "" ? none : await stored({ tenant, agentId });
    const operator = file.current();
    return [
      ...(operator ? [{ level: "operator" as const, version: 0, document: operator }] : []),
      ...layerOf("tenant", own),
      ...layerOf("agent", agents),
    ];
  };

  /** Keeps a policy before it decides anything, once for each tenant. */
  const keep = async (tenant: string, policy: EffectivePolicy): Promise<EffectivePolicy> => {
    const key = `${tenant} ${policy.digest}`;
    if (!kept.has(key)) await store.keep(tenant, policy);
    kept.set(key, true);
    return policy;
  };

  return {
    async of(owner) {
      const layers = await layersOf(owner);
      const key = layers.map(({ level, version, document }) => keyOf(level, version, document)).join(" ");
      const known = compiled.get(key);
      const policy = known ?? effectivePolicy(layers, { lenient: true });
      if (!known) {
        compiled.set(key, policy);
        for (const why of policy.leftOut) platform.log.warn(`a rule of a policy is left out: ${why}`);
      }
      return keep(owner.tenant, policy);
    },
    async withTenantDocument({ tenant, agentId }, document) {
      const layers = await layersOf({ tenant, agentId });
      const others = layers.filter(({ level }) => level !== "tenant");
      const at = others.findIndex(({ level }) => level === "agent");
      const own: Layer = { level: "tenant", version: 0, document };
      const below = at < 0 ? others : others.slice(0, at);
      policyUnder(effectivePolicy(below, { lenient: true }), own);
      return effectivePolicy([...below, own, ...others.slice(below.length)], { lenient: true });
    },
    async below(owner) {
      const own = owner.agentId === "" ? "tenant" : "agent";
      return (await layersOf(owner)).filter(({ level }) => level !== own);
    },
    forget,
    stop,
  };
}

const digests = new WeakMap<PolicyDocument, string>();

function keyOf(level: string, version: number, document: PolicyDocument): string {
  const digest = digests.get(document) ?? digestOf(document.policy);
  digests.set(document, digest);
  return `${level}/${version}/${digest}`;
}

const documents = new LRUCache<string, PolicyDocument>({ max: mostCompiled });

function layerOf(level: "tenant" | "agent", { version, document }: Stored): Layer[] {
  if (version === 0) return [];
  const known = documents.get(document) ?? readPolicy(document);
  documents.set(document, known);
  return [{ level, version, document: known }];
}

async function knownDocuments<Tables>({ store, platform, db }: PoliciesOptions<Tables>) {
  const { cache, bus, clock, log, metrics } = platform;
  const load = async (owner: PolicyOwner): Promise<Stored> => {
    const row = await store.head(owner);
    return row ? { version: Number(row.version), document: row.document } : none;
  };
  if (!platform.hears("engine")) {
    return { stored: load, forget: async () => undefined, stop: async () => undefined };
  }
  const stored = cached<PolicyOwner, Stored>({
    cache,
    name: "policies",
    keyOf: ({ tenant, agentId }) => ({ tenant, group: policiesGroup, name: `policy.v1/${agentId}` }),
    load,
    codec: {
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes) => JSON.parse(Buffer.from(bytes).toString("utf8")) as Stored,
    },
    metrics,
    log,
  });
  const consumer = await invalidateByEvents({
    cache,
    bus,
    name: "engine-policies",
    subject: "events.engine.PolicyChanged",
    groupOf: ({ aggregateType }) => (aggregateType === "policy" ? policiesGroup : undefined),
    deadLetters: deadLettersOf(bus, db),
    log,
    metrics,
    clock,
  });
  return {
    stored,
    forget: (tenant: string) => cache.invalidate({ tenant, group: policiesGroup }),
    stop: consumer.stop,
  };
}
