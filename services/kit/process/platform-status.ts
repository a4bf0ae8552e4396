import { create } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import {
  type GetStatusResponse,
  ServingStatus,
  SystemService,
  type WorkloadStatus,
  WorkloadStatusSchema,
} from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { boundedSignal } from "../abortable-delay.js";
import type { Clock } from "../clock.js";
import type { Caller } from "../context.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";
import { errorFacts } from "../errors.js";
import type { PeersOf } from "../peers/network.js";
import type { StatusOf } from "../serve/status.js";

/** How the workloads of the platform are reached. */
export interface PlatformStatusOptions {
  /** Of the workloads of this process. */
  readonly local: ReadonlyMap<WorkloadName, StatusOf>;
  readonly peers: PeersOf;
  readonly clock: Clock;
  /** How long each may take to answer, in milliseconds. */
  readonly boundMs?: number;
}

/**
 * Asks every workload of the platform for its state, in the caller's name and
 * all at once. One that does not answer in time is told as that. Of several
 * replicas one answers, whichever the call reaches.
 */
export function platformStatus({ local, peers, clock, boundMs = 1_000 }: PlatformStatusOptions) {
  const ask = async (name: WorkloadName, { values, signal: parent }: Caller): Promise<WorkloadStatus> => {
    const start = clock.monotonic();
    const { signal, release } = boundedSignal(boundMs, parent);
    const here = local.get(name);
    const workload = workloads.get(name);
    try {
      const asked = here ? here(signal) : peers(SystemService, workload).getStatus({}, { values, signal });
      return stateOf(name, await unlessAborted(asked, signal), clock.monotonic() - start);
    } catch (error) {
      const failure = signal.aborted ? "DEADLINE_EXCEEDED" : reasonOf(error);
      const latencyMs = clock.monotonic() - start;
      return create(WorkloadStatusSchema, { workload: name, failure, latencyMs });
    } finally {
      release();
    }
  };
  return (caller: Caller): Promise<WorkloadStatus[]> =>
    Promise.all([...workloads.keys()].map((name) => ask(name, caller)));
}

function stateOf(workload: string, answer: GetStatusResponse, latencyMs: number): WorkloadStatus {
  const { versions, startTime, uptimeSeconds, dependencies, selfChecks, queues } = answer;
  const { callsInFlight, admissionLimit } = answer;
  const lacks = dependencies.some(({ optional, status }) => !optional && status !== ServingStatus.SERVING);
  return create(WorkloadStatusSchema, {
    workload,
    status: lacks ? ServingStatus.NOT_SERVING : ServingStatus.SERVING,
    latencyMs,
    uptimeSeconds,
    dependencies,
    selfChecks,
    callsInFlight,
    admissionLimit,
    ...(versions && { versions }),
    ...(startTime && { startTime }),
    ...(queues && { queues }),
  });
}

function reasonOf(error: unknown): string {
  return errorFacts(ConnectError.from(error))?.reason ?? "INTERNAL";
}

/** Does not wait for what heeds no signal. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    answer.then(resolve, reject);
  });
}
