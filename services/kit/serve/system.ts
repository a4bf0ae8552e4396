import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { ServingStatus, type SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";
import type { Load } from "../workload.js";
import type { Readiness } from "./readiness.js";

/** What a process says about itself. */
export interface SystemOptions {
  readonly readiness: Readiness;
  /** Names of the workloads that it runs. */
  readonly workloads: readonly string[];
  readonly version: string;
  /** When it became ready, in milliseconds of the epoch. */
  readonly startTime: number;
  readonly clock: Clock;
  readonly load: () => Pick<Load, "inFlight" | "limit">;
  /** The metrics in the text format of Prometheus. */
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>;
}

/** The handlers of the system service. */
export function createSystem(options: SystemOptions) {
  const { readiness, workloads, version, startTime, clock, load, metrics } = options;
  return {
    getHealth: () => ({ status: ServingStatus.SERVING }),

    async getReadiness() {
      const { draining, dependencies } = await readiness.state();
      if (draining) throw errors.shuttingDown({ workload: workloads.join(", ") });
      const away = dependencies.filter(({ serving }) => !serving);
      const failed = away.filter(({ degrades }) => !degrades);
      if (failed.length > 0) {
        const names = failed.map(({ name }) => name).join(", ");
        throw errors.dependencyUnavailable({ dependency: names }, failed[0]?.error);
      }
      return { status: ServingStatus.SERVING, degraded: away.map(({ name }) => name) };
    },

    async getStatus() {
      const { dependencies } = await readiness.refresh();
      const { inFlight, limit } = load();
      return {
        version,
        workloads: [...workloads],
        startTime: timestampFromMs(startTime),
        uptimeSeconds: (clock.now() - startTime) / 1_000,
        dependencies: dependencies.map(({ name, serving, latencyMs }) => ({
          name,
          status: serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING,
          latencyMs,
        })),
        callsInFlight: inFlight,
        admissionLimit: limit,
      };
    },

    async getMetrics() {
      const { contentType, body } = await metrics();
      return { contentType, data: new TextEncoder().encode(body) };
    },
  } satisfies ServiceImpl<typeof SystemService>;
}
