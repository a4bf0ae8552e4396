import {
  create,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { AgentStatus, Grounding } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import type { AgentsService, GetAgentResponse } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { CalibrationService } from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import {
  EngineService,
  ProcessStreamRequestSchema,
  type ProcessStreamResponse,
  ProcessStreamResponseSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { PolicyService } from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import {
  defaults,
  type EngineConfig,
  type StageBudgets,
  stageNames,
} from "../../../services/engine/config.js";
import { definition } from "../../../services/engine/service.js";
import type { EngineTables } from "../../../services/engine/store.js";
import { systemClock } from "../../../services/kit/clock.js";
import { type Call, callKey, type Principal } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import { createLog } from "../../../services/kit/log.js";
import { createMetrics } from "../../../services/kit/metrics.js";
import { readEvents } from "../../../services/kit/outbox.js";
import type { Peer } from "../../../services/kit/peers/peers.js";
import { memoryCache } from "../../../services/kit/stores/cache/memory.js";
import { openSchema } from "../../../services/kit/stores/database/kysely.js";
import type { Platform } from "../../../services/kit/workload.js";
import { testDatabase } from "../../support/database.js";

type Methods = typeof EngineService.method;

// Tests say what is decided, not how fast.
const patientBudgets = Object.fromEntries(
  stageNames.map((stage) => [stage, 20_000]),
) as unknown as StageBudgets;

/** The methods of the engine as one principal calls them: without the chain, with everything below it. */
export type EngineOf = MethodsOf<Methods>;

/** The methods of a service, without the chain. */
export type MethodsOf<M extends Record<string, DescMethod>> = {
  readonly [K in keyof M]: (
    request: MessageInitShape<M[K]["input"]>,
  ) => Promise<MessageShape<M[K]["output"]>>;
};

/** The engine on a database in memory, beside agents that the test makes. One per file. */
export async function startEngine(config: Partial<EngineConfig> = {}) {
  const database = await testDatabase();
  const metrics = createMetrics({ version: "1.2.3", workloads: ["engine"] });
  const agents = new Map<string, NonNullable<GetAgentResponse["agent"]>>();
  const platform = {
    clock: systemClock,
    metrics,
    version: "1.2.3",
    database: async () => database,
    peer: () => agentsPeer(agents),
    hears: () => false,
    cache: memoryCache({ clock: systemClock }),
    log: createLog({ service: "engine", level: "silent" }),
    load: () => ({ inFlight: 1, limit: 10, queueMs: 0, queueBudgetMs: 100 }),
  } as unknown as Platform;
  const keyEncryptionKey = config.keyEncryptionKey ?? Buffer.alloc(32, 7);
  const settings = { ...defaults, budgets: patientBudgets, ...config, keyEncryptionKey };
  const served = await definition.start(settings, platform);
  const handlersOf = ({ typeName }: DescService) =>
    served.implementations.find(({ service }) => service.typeName === typeName)?.handlers as Handlers;
  const db = openSchema<EngineTables>(database, "engine");

  return {
    database,
    served,
    metrics,
    db,
    /** The engine as `principal` calls it, under an idempotency key when one is given. */
    as: (principal: Principal | undefined, key?: string): EngineOf =>
      callable<Methods>(EngineService, handlersOf(EngineService), principal, key),
    /** What ProcessStream tells `principal`. */
    async *stream(
      principal: Principal,
      request: MessageInitShape<typeof ProcessStreamRequestSchema>,
    ): AsyncGenerator<ProcessStreamResponse> {
      const handle = handlersOf(EngineService).processStream as unknown as StreamHandler;
      for await (const event of handle(create(ProcessStreamRequestSchema, request), contextOf(principal)))
        yield create(ProcessStreamResponseSchema, event as never);
    },
    /** Its calibration as `principal` calls it. */
    calibrationAs: (principal: Principal): MethodsOf<typeof CalibrationService.method> =>
      callable(CalibrationService, handlersOf(CalibrationService), principal),
    /** Its policies as `principal` calls them, under an idempotency key when one is given. */
    policiesAs: (principal: Principal, key?: string): MethodsOf<typeof PolicyService.method> =>
      callable(PolicyService, handlersOf(PolicyService), principal, key),
    /** Makes an agent that the peer knows; active unless told otherwise. */
    addAgent(
      knowledge: string,
      { status = AgentStatus.ACTIVE, providerId = "", grounding = Grounding.UNSPECIFIED } = {},
    ): string {
      const id = newId();
      const documents = [{ title: "Handbook", text: knowledge }];
      const agent = {
        id,
        status,
        etag: "1",
        knowledge: documents,
        configuration: { providerId, grounding, goals: ["Sell"] },
      };
      agents.set(id, agent as unknown as NonNullable<GetAgentResponse["agent"]>);
      return id;
    },
    /** Events of one decision. */
    events: (id: string) => readEvents(db, { aggregate: { type: "decision", id }, limit: 100 }),
  };
}

/** The started engine. */
export type Engine = Awaited<ReturnType<typeof startEngine>>;

function agentsPeer(agents: ReadonlyMap<string, NonNullable<GetAgentResponse["agent"]>>) {
  const peer: Pick<Peer<typeof AgentsService>, "getAgent"> = {
    async getAgent({ id = "" }) {
      const agent = agents.get(id);
      if (!agent) throw errors.agentNotFound({ id });
      return { agent } as GetAgentResponse;
    },
  };
  return peer;
}

type Handler = (request: unknown, context: HandlerContext) => Promise<object>;
type StreamHandler = (request: unknown, context: HandlerContext) => AsyncIterable<object>;
type Handlers = Readonly<Record<string, Handler>>;

function callable<M extends Record<string, DescMethod>>(
  service: DescService,
  handlers: Handlers,
  principal: Principal | undefined,
  key?: string,
): MethodsOf<M> {
  const method = (name: string, { input, output }: DescMethod) => {
    return async (request: MessageInitShape<typeof input>) => {
      const reply = await handlers[name]?.(create(input, request as never), contextOf(principal, key));
      return create(output, reply as never);
    };
  };
  return Object.fromEntries(
    Object.entries(service.method).map(([name, desc]) => [name, method(name, desc)]),
  ) as unknown as MethodsOf<M>;
}

/** The context of a call by `principal`. */
export function contextOf(principal: Principal | undefined, key?: string): HandlerContext {
  const call = {
    requestId: newId(),
    correlationId: "test",
    caller: Workload.GATEWAY,
    principal,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 2,
    ...(key === undefined ? {} : { idempotencyKey: { value: key } }),
  };
  const signal = new AbortController().signal;
  const values = createContextValues().set(callKey, call as Call);
  return { values, signal, responseHeader: new Headers() } as HandlerContext;
}
