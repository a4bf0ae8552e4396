import type { ServiceImpl } from "@connectrpc/connect";
import {
  type Health,
  HealthCheckResponse_ServingStatus as Status,
} from "#gen/ts/grpc/health/v1/health_pb.js";
import { errors } from "../errors.js";
import type { Readiness } from "./readiness.js";

/** What grpc.health.v1 reports on. */
export interface HealthOptions {
  readonly readiness: Readiness;
  /** Full names of the services that this port serves; the empty name always means all of it. */
  readonly services: readonly string[];
  /** Watches at once; 100 unless given. */
  readonly maxWatchers?: number;
}

/**
 * grpc.health.v1: a service serves while the process is ready. `Check` fails with SERVICE_UNKNOWN,
 * `Watch` with OVERLOADED beyond `maxWatchers`. A watch ends after it has reported a drain.
 */
export function createHealth({ readiness, services, maxWatchers = 100 }: HealthOptions) {
  const known = new Set(["", ...services]);
  const watchers = new Set<AbortSignal>();
  return {
    async check({ service }) {
      if (!known.has(service)) throw errors.serviceUnknown({ service });
      return { status: statusOf(await readiness.state()) };
    },

    async list() {
      const status = statusOf(await readiness.state());
      return { statuses: Object.fromEntries([...known].map((service) => [service, { status }])) };
    },

    async *watch({ service }, { signal }) {
      if (watchers.size >= maxWatchers) {
        throw errors.overloaded({ workload: "health watch", limit: maxWatchers });
      }
      // A transport may abandon a cancelled stream without ending this generator; the signal always ends.
      const leave = () => void watchers.delete(signal);
      signal.addEventListener("abort", leave);
      watchers.add(signal);
      try {
        let last: Status | undefined;
        for await (const state of readiness.changes(signal)) {
          const status = known.has(service) ? statusOf(state) : Status.SERVICE_UNKNOWN;
          if (status !== last) yield { status };
          last = status;
        }
      } finally {
        leave();
      }
    },
  } satisfies ServiceImpl<typeof Health>;
}

function statusOf({ serving }: { readonly serving: boolean }): Status {
  return serving ? Status.SERVING : Status.NOT_SERVING;
}
