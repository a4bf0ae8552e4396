import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import type { Kysely } from "kysely";
import { type Agent, AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Caller, callKey, callOf } from "../kit/context.js";
import { deadLettersOf } from "../kit/events/dead-letters-of.js";
import type { Peer } from "../kit/peers/peers.js";
import { cached } from "../kit/stores/cache/cached.js";
import { invalidateByEvents } from "../kit/stores/cache/invalidate.js";
import type { Platform } from "../kit/workload.js";

/** Reads agents in their callers' names. */
export interface KnownAgents {
  /** Undefined when agents answers without one. Rejects as GetAgent does. */
  read(id: string, caller: Caller): Promise<Agent | undefined>;
  stop(): Promise<void>;
}

/** What reading agents needs. */
export interface KnownAgentsOptions<Tables> {
  readonly agents: Pick<Peer<typeof AgentsService>, "getAgent">;
  readonly platform: Pick<Platform, "cache" | "bus" | "hears" | "metrics" | "log" | "clock">;
  /** The engine's schema. */
  readonly db: Kysely<Tables>;
}

interface Wanted {
  readonly id: string;
  readonly caller: Caller;
}

const loadMs = 2_000;

/**
 * Agents that were read before are known until an event says that they changed,
 * for 5 minutes at most, each to the principal that read it. How long a change
 * takes to be heard of is the outbox's pause of 100 ms and the way over the bus.
 * Nothing is kept where events of agents do not arrive.
 */
export async function knownAgents<Tables>({
  agents,
  platform,
  db,
}: KnownAgentsOptions<Tables>): Promise<KnownAgents> {
  const { cache, bus, clock, log, metrics } = platform;
  const ask = async ({ id, caller }: Wanted) => (await agents.getAgent({ id }, caller)).agent;
  if (!platform.hears("agents")) {
    return { read: (id, caller) => ask({ id, caller }), stop: async () => undefined };
  }
  const known = cached<Wanted, Agent | undefined>({
    cache,
    name: "agents",
    keyOf: ({ id, caller }) => ({ ...whose(caller), group: agentGroup(id) }),
    // Others wait for the same answer, so the first one's end must not cancel it.
    load: ({ id, caller }) => ask({ id, caller: detached(caller, clock.now() + loadMs) }),
    codec: {
      encode: (agent) => (agent ? toBinary(AgentSchema, agent) : new Uint8Array()),
      decode: (bytes) => (bytes.length > 0 ? fromBinary(AgentSchema, bytes) : undefined),
    },
    metrics,
    log,
  });
  const consumer = await invalidateByEvents({
    cache,
    bus,
    name: "engine-agents",
    subject: "events.agents.>",
    groupOf: ({ aggregateType, aggregateId }) =>
      aggregateType === "agent" ? agentGroup(aggregateId) : undefined,
    deadLetters: deadLettersOf(bus, db),
    log,
    metrics,
    clock,
  });
  return {
    // Who may not read agents learns that from agents, and never what others have read.
    read: (id, caller) => (mayRead(caller) ? known({ id, caller }) : ask({ id, caller })),
    stop: consumer.stop,
  };
}

function mayRead(caller: Caller): boolean {
  return callOf(caller).principal?.permissions.has(Permission.AGENT_READ) ?? false;
}

/** Who loses the permission to administer agents must not know what it knew by it. */
function administers(caller: Caller): boolean {
  return callOf(caller).principal?.permissions.has(Permission.AGENT_ADMIN) ?? false;
}

/** The cache group of all that derives from an agent, which ends with every change of it. */
export function agentGroup(id: string): string {
  return `agent/${id}`;
}

function whose(caller: Caller) {
  const { tenant = "", kind = "", subject = "" } = callOf(caller).principal ?? {};
  const role = administers(caller) ? "admin" : "own";
  return { tenant, name: `agent.v2/${kind}/${role}/${subject}` };
}

function detached(caller: Caller, deadline: number): Caller {
  const values = createContextValues().set(callKey, { ...callOf(caller), deadline });
  return { values, signal: AbortSignal.timeout(loadMs) };
}
