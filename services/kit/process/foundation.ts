import { join } from "node:path";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Clock, systemClock } from "../clock.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";
import { createLog, type Log } from "../log.js";
import { createMetrics, type Metrics } from "../metrics.js";
import type { LocalMethods } from "../peers/local.js";
import { type NetworkOptions, type PeersOf, peersOf } from "../peers/network.js";
import { openPglite } from "../stores/database/pglite.js";
import type { Database } from "../stores/database/port.js";
import { startTelemetry, type Telemetry } from "../telemetry.js";
import { type WorkloadToken, workloadToken } from "../tokens.js";
import type { ProcessConfig } from "./config.js";

/** What the workloads of a process share. */
export interface Foundation {
  readonly config: ProcessConfig;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly telemetry: Telemetry;
  readonly workloadToken: WorkloadToken | undefined;
  /** Unary methods of this process; filled as workloads start. */
  readonly local: LocalMethods;
  /** The process's database, opened at the first request for it. */
  database(): Promise<Database>;
  peersOf(workload: Workload): PeersOf;
  /** Closes what was opened, in reverse. */
  close(): Promise<void>;
}

/** Lays the foundation of a process that runs the named workloads. */
export async function layFoundation(
  config: ProcessConfig,
  options: { names: readonly WorkloadName[]; version: string; log?: Log },
): Promise<Foundation> {
  const { names, version } = options;
  const clock = systemClock;
  const metrics = createMetrics({ version, workloads: names });
  const service = names.length === 1 ? names[0]! : "platform";
  const log =
    options.log ??
    createLog({ service, level: config.logLevel, clock, onDropped: () => metrics.logLinesDropped.add() });
  const telemetry = await startTelemetry({
    ...config.tracing,
    serviceName: service,
    version,
    onExportFailure: () => metrics.exportFailures.add(),
  });
  const token = config.peerSecret ? workloadToken({ secret: config.peerSecret, clock }) : undefined;
  const local: LocalMethods = new Map();
  const network: NetworkOptions = {
    local,
    running: new Set(names.map((name) => workloads.get(name)!)),
    addresses: config.addresses,
    mesh: config.mesh,
    workloadToken: token,
    bodyLimit: config.bodyLimit,
    metrics,
    clock,
  };
  let database: Promise<Database> | undefined;
  return {
    config,
    version,
    clock,
    log,
    metrics,
    telemetry,
    workloadToken: token,
    local,
    database() {
      database ??= openPglite({ directory: join(config.dataDirectory, "database") });
      return database;
    },
    peersOf: (workload) => peersOf(workload, network),
    async close() {
      await database?.then(
        (opened) => opened.end(),
        () => undefined,
      );
      await telemetry.shutdown();
      await log.flush();
      log.close();
    },
  };
}
