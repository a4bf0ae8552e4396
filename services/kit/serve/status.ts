import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type GetStatusResponse,
  GetStatusResponseSchema,
  type QueuesSchema,
  type SelfCheckSchema,
  ServingStatus,
  type TraceExportSchema,
  type VersionsSchema,
} from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { boundedSignal } from "../abortable-delay.js";
import type { Clock } from "../clock.js";
import type { OutboxDepth } from "../events/relay.js";
import type { Subscription } from "../stores/bus/port.js";
import type { TelemetryState } from "../telemetry.js";
import type { Load, SelfCheck } from "../workload.js";
import type { DependencyState, Readiness } from "./readiness.js";

/** Asks a workload of this process for its state. */
export type StatusOf = (signal: AbortSignal) => Promise<GetStatusResponse>;

/** What the state of a process is made of. */
export interface StatusOptions {
  readonly readiness: Readiness;
  /** Names of the workloads that it runs. */
  readonly workloads: readonly string[];
  readonly versions: MessageInitShape<typeof VersionsSchema> & { readonly platform: string };
  /** When it became ready, in milliseconds of the epoch. */
  readonly startTime: number;
  readonly clock: Clock;
  readonly load: () => Pick<Load, "inFlight" | "limit" | "queueMs">;
  /** How many calls wait for admission. */
  readonly waiting: () => number;
  readonly selfChecks?: ((signal: AbortSignal) => Promise<readonly SelfCheck[]>) | undefined;
  /** Of the events that it records; undefined before they were counted. */
  readonly outbox?: (() => OutboxDepth | undefined) | undefined;
  /** By the durable names of its consumers. */
  readonly subscriptions: ReadonlyMap<string, Pick<Subscription, "pending">>;
  readonly traces: () => TelemetryState | undefined;
}

/** How long self-checks may take, and the bus to tell what waits, in milliseconds. */
const askMs = 800;

/** What a workload says of itself, each part asked now. */
export function createStatus(options: StatusOptions): StatusOf {
  const { readiness, workloads, versions, startTime, clock, load, traces } = options;
  return async (signal) => {
    const [{ dependencies }, selfChecks, queues] = await Promise.all([
      readiness.refresh(),
      checksOf(options, signal),
      queuesOf(options),
    ]);
    const { inFlight, limit } = load();
    const traceExport = traceExportOf(traces());
    return create(GetStatusResponseSchema, {
      version: versions.platform,
      workloads: [...workloads],
      startTime: timestampFromMs(startTime),
      uptimeSeconds: (clock.now() - startTime) / 1_000,
      dependencies: dependencies.map(dependencyStatus),
      callsInFlight: inFlight,
      admissionLimit: limit,
      versions,
      selfChecks,
      queues,
      ...(traceExport && { traceExport }),
    });
  };
}

/** How export goes, without why it fails, which may name hosts. */
export function traceExportOf(
  state: TelemetryState | undefined,
): MessageInitShape<typeof TraceExportSchema> | undefined {
  if (!state) return undefined;
  const { exported, failed, dropped, waiting, lastError } = state;
  return {
    exported: BigInt(exported),
    failed: BigInt(failed),
    dropped: BigInt(dropped),
    waiting,
    delivering: lastError === undefined,
  };
}

function dependencyStatus({ name, serving, degrades, latencyMs }: DependencyState) {
  const status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  return { name, status, latencyMs, optional: degrades };
}

async function checksOf(
  { selfChecks }: StatusOptions,
  parent: AbortSignal,
): Promise<MessageInitShape<typeof SelfCheckSchema>[]> {
  if (!selfChecks) return [];
  const bound = boundedSignal(askMs, parent);
  try {
    const late = new Promise<never>((_, reject) => {
      bound.signal.addEventListener("abort", () => reject(bound.signal.reason), { once: true });
    });
    return [...(await Promise.race([selfChecks(bound.signal), late]))];
  } catch {
    return [{ name: "self_checks", ok: false, detail: "did not end" }];
  } finally {
    bound.release();
  }
}

async function queuesOf(options: StatusOptions): Promise<MessageInitShape<typeof QueuesSchema>> {
  const { load, waiting, outbox, subscriptions } = options;
  const consumers = [...subscriptions].map(async ([name, subscription]) => {
    const pending = await subscription.pending(askMs).catch(() => undefined);
    return { name, ...(pending !== undefined && { pending: BigInt(pending) }) };
  });
  const depth = outbox?.();
  return {
    waitingCalls: waiting(),
    admissionWaitMs: load().queueMs,
    ...(depth && { outbox: depth }),
    consumers: await Promise.all(consumers),
  };
}
