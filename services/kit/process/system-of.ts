import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import type { Admission } from "../chain/limit.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";
import type { Relay } from "../events/relay.js";
import type { MetricsFormat } from "../open-metrics.js";
import type { Readiness } from "../serve/readiness.js";
import { createStatus } from "../serve/status.js";
import { createSystem } from "../serve/system.js";
import type { Bus, Subscription } from "../stores/bus/port.js";
import { type Implementation, implement, type Served } from "../workload.js";
import type { Foundation } from "./foundation.js";
import { platformStatus } from "./platform-status.js";

/** The parts of a workload of which its system service tells. */
export interface SystemParts {
  readonly foundation: Foundation;
  readonly readiness: Readiness;
  readonly admission: Admission;
  readonly served: Pick<Served, "selfChecks" | "modelsVersion">;
  readonly relay: Pick<Relay, "depth"> | undefined;
  readonly subscriptions: Subscriptions;
}

/** What a workload hears, by durable names. */
export type Subscriptions = Map<string, Pick<Subscription, "pending">>;

/** The system service of a workload; the gateway's tells of every workload. */
export function systemOf(name: WorkloadName, parts: SystemParts): Implementation {
  const { foundation, readiness, admission, served, relay, subscriptions } = parts;
  const { clock, contract, metrics, statuses, telemetry, version } = foundation;
  const own = createStatus({
    readiness,
    workloads: [name],
    versions: {
      platform: version,
      node: process.versions.node,
      contract,
      models: served.modelsVersion ?? "",
    },
    startTime: clock.now(),
    clock,
    load: admission.load,
    waiting: admission.waiting,
    selfChecks: served.selfChecks,
    outbox: relay?.depth,
    subscriptions,
    traces: telemetry.state,
  });
  statuses.set(name, own);
  const peers = foundation.peersOf(workloads.get(name)!);
  const everyone = name === "gateway" ? platformStatus({ local: statuses, peers, clock }) : async () => [];
  return implement(
    SystemService,
    createSystem({
      readiness,
      workloads: [name],
      async status(context) {
        const [status, workloadStatuses] = await Promise.all([own(context.signal), everyone(context)]);
        return { ...status, workloadStatuses };
      },
      async metrics(format: MetricsFormat) {
        const { dependencies } = await readiness.state();
        for (const { name: dependency, serving, degrades } of dependencies) {
          const labels = { workload: name, dependency, degrades: String(degrades) };
          metrics.dependencyUp.set(serving ? 1 : 0, labels);
        }
        return metrics.expose(format);
      },
      traces: telemetry.state,
    }),
  );
}

/** The bus, noting what is subscribed to. */
export function noting(bus: Bus, subscriptions: Subscriptions): Bus {
  return {
    ...bus,
    async subscribe(options) {
      const subscription = await bus.subscribe(options);
      subscriptions.set(options.durable, subscription);
      return subscription;
    },
  };
}
