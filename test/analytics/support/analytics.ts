import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMethod, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { anyPack, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import {
  AnalyticsService,
  type WatchMetricsResponse,
} from "#gen/ts/consciousness/analytics/v1/analytics_service_pb.js";
import { type Event, EventSchema } from "#gen/ts/consciousness/contract/v1/event_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import {
  DecisionRecordedSchema,
  FeedbackRecordedSchema,
} from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { type AnalyticsConfig, defaults } from "../../../services/analytics/config.js";
import { definition } from "../../../services/analytics/service.js";
import { callKey, type Principal } from "../../../services/kit/context.js";
import { toMessage } from "../../../services/kit/events/cloud-event.js";
import { newId } from "../../../services/kit/ids.js";
import { memoryBus } from "../../../services/kit/stores/bus/memory.js";
import type { Platform } from "../../../services/kit/workload.js";
import { recordedLog, recordedMetrics } from "../../kit/chain/calls.js";
import { testDatabase } from "../../support/database.js";
import { type PersonFacts, person } from "../../support/person.js";

type Methods = Omit<typeof AnalyticsService.method, "watchMetrics">;
type MethodsOf<M extends Record<string, DescMethod>> = {
  readonly [K in keyof M]: (
    request: MessageInitShape<M[K]["input"]>,
  ) => Promise<MessageShape<M[K]["output"]>>;
};

/** The unary methods as one principal calls them, and the stream: without the chain, with everything below it. */
export interface AnalyticsOf extends MethodsOf<Methods> {
  watchMetrics(
    request: MessageInitShape<typeof AnalyticsService.method.watchMetrics.input>,
    signal: AbortSignal,
  ): AsyncIterable<Pick<WatchMetricsResponse, "metrics">>;
}

/** What an event says beside what every one does. */
export interface EventFacts {
  readonly tenant?: string;
  readonly actor?: string;
  /** Milliseconds of the epoch; the test's now by default. */
  readonly time?: number;
  readonly version?: bigint;
  readonly aggregateId?: string;
}

/** When the tests begin, in milliseconds of the epoch; time passes only when told. */
export const startTime = Date.parse("2026-03-01T12:00:00.000Z");

/** A person of the tenant that the tests' events are of, unless said otherwise. */
export function principal(facts: PersonFacts = {}): Principal {
  return person({ tenant: "acme", ...facts });
}

/** An event of a decision: allowed, in 20 ms, unless said otherwise. */
export function decided(
  recorded: MessageInitShape<typeof DecisionRecordedSchema> = {},
  facts: EventFacts = {},
): Event {
  const { decisionId = newId() } = recorded;
  const message = create(DecisionRecordedSchema, {
    requestId: newId(),
    verdict: Verdict.ALLOWED,
    processingMetrics: { queueMs: 2, totalMs: 20, stages: [{ stage: "compose", durationMs: 15 }] },
    composer: "extractive",
    ...(recorded as object),
    decisionId,
  });
  return event("decision", { aggregateId: decisionId, ...facts }, anyPack(DecisionRecordedSchema, message));
}

/** An event of feedback. */
export function labelled(
  recorded: MessageInitShape<typeof FeedbackRecordedSchema>,
  facts: EventFacts = {},
): Event {
  const message = create(FeedbackRecordedSchema, recorded);
  return event("feedback", facts, anyPack(FeedbackRecordedSchema, message));
}

function event(aggregateType: string, facts: EventFacts, payload: NonNullable<Event["payload"]>): Event {
  const { tenant = "acme", actor = "ann", time = startTime, version = 1n, aggregateId = newId() } = facts;
  const id = newId();
  return create(EventSchema, {
    id,
    tenantId: tenant,
    aggregateType,
    aggregateId,
    version,
    actor,
    time: timestampFromMs(time),
    payload,
  });
}

/** The service on stores of its own and a bus in memory. One per file; give each test a tenant of its own. */
export async function startAnalytics(config: Partial<AnalyticsConfig> = {}) {
  const dataDirectory = await mkdtemp(join(tmpdir(), "analytics-"));
  const database = await testDatabase();
  const bus = memoryBus();
  const time = { now: startTime };
  const { log, lines } = recordedLog();
  const { metrics, matching } = recordedMetrics();
  const platform = {
    clock: { now: () => time.now, monotonic: () => time.now },
    log,
    metrics,
    version: "1.2.3",
    dataDirectory,
    database: async () => database,
    bus,
    hears: () => true,
    peer: () => ({}),
  } as unknown as Platform;
  const served = await definition.start({ ...defaults, ...config }, platform);
  const handlers = served.implementations.find(({ service }) => service === AnalyticsService)?.handlers;
  if (!handlers) throw new Error("analytics serves no AnalyticsService");

  return {
    served,
    time,
    lines,
    matching,
    /** Hands events over, and waits until they are kept. */
    async hear(...events: readonly Event[]): Promise<void> {
      const published = await bus.publish(events.map((one) => toMessage(one, "engine")));
      if (!published.complete) throw published.error;
    },
    as: (caller: Principal) => callable(handlers as unknown as Record<string, Handler>, caller),
    async stop() {
      await served.stop?.();
      await bus.close();
      await database.end();
      await rm(dataDirectory, { recursive: true, force: true });
    },
  };
}

/** The started service. */
export type Analytics = Awaited<ReturnType<typeof startAnalytics>>;

type Handler = (request: unknown, context: HandlerContext) => unknown;

function callable(handlers: Record<string, Handler>, caller: Principal): AnalyticsOf {
  const methods = Object.entries<DescMethod>(AnalyticsService.method).map(
    ([name, { input, output, methodKind }]) => {
      const call = (request: Record<string, unknown>, signal = new AbortController().signal) =>
        handlers[name]?.(create(input, request), contextOf(caller, signal));
      if (methodKind === "server_streaming") return [name, call];
      return [
        name,
        async (request: Record<string, unknown>) =>
          create(output, (await call(request)) as Record<string, unknown>),
      ];
    },
  );
  return Object.fromEntries(methods) as AnalyticsOf;
}

function contextOf(caller: Principal, signal: AbortSignal): HandlerContext {
  const call = {
    requestId: newId(),
    correlationId: "test",
    caller: Workload.GATEWAY,
    principal: caller,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
  };
  return { values: createContextValues().set(callKey, call), signal } as HandlerContext;
}
