import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type GetStatusResponse,
  ServingStatus,
  type SystemService,
} from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { errors } from "../errors.js";
import { type Exposition, type MetricsFormat, preferredFormat } from "../open-metrics.js";
import type { TelemetryState } from "../telemetry.js";
import type { Readiness } from "./readiness.js";
import { traceExportOf } from "./status.js";

/** What a process says about itself. */
export interface SystemOptions {
  readonly readiness: Readiness;
  /** Names of the workloads that it runs. */
  readonly workloads: readonly string[];
  readonly status: (context: HandlerContext) => Promise<GetStatusResponse>;
  readonly metrics: (format: MetricsFormat) => Promise<Exposition>;
  readonly traces: () => TelemetryState | undefined;
}

/** The handlers of the system service. */
export function createSystem({ readiness, workloads, status, metrics, traces }: SystemOptions) {
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
      const traceExport = traceExportOf(traces());
      return {
        status: ServingStatus.SERVING,
        degraded: away.map(({ name }) => name),
        ...(traceExport && { traceExport }),
      };
    },

    getStatus: (_, context) => status(context),

    async getMetrics(_, { requestHeader, responseHeader }) {
      const { contentType, body } = await metrics(preferredFormat(requestHeader.get("accept")));
      responseHeader.append("vary", "accept");
      return { contentType, data: new TextEncoder().encode(body) };
    },
  } satisfies ServiceImpl<typeof SystemService>;
}
