import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Clock, systemClock } from "../clock.js";
import { contractDigest } from "../contract/digest.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";
import { createLog, type Log, type LogLevel, type LogOptions, logLevels } from "../log.js";
import { createMetrics, type Metrics } from "../metrics.js";
import type { LocalMethods } from "../peers/local.js";
import { type NetworkOptions, type PeersOf, peersOf } from "../peers/network.js";
import type { StatusOf } from "../serve/status.js";
import type { RunningJobs } from "../stores/database/job.js";
import { startMaintenance } from "../stores/database/maintenance.js";
import type { Database } from "../stores/database/port.js";
import { startTelemetry, type Telemetry } from "../telemetry.js";
import { showExpiry } from "../tls/expiry.js";
import { type KeyFiles, keepKeys } from "../tls/keys.js";
import type { PortKeys } from "../tls/port.js";
import { type WorkloadToken, workloadToken } from "../tokens.js";
import type { ProcessConfig } from "./config.js";
import { type Messaging, openMessaging } from "./messaging.js";
import { openDatabase, withDatabase } from "./stores.js";

/** What the workloads of a process share. */
export interface Foundation {
  readonly config: ProcessConfig;
  /** Workloads of this process. */
  readonly names: readonly WorkloadName[];
  readonly version: string;
  readonly clock: Clock;
  /** The process's own log. */
  readonly log: Log;
  /** The log of one workload. */
  logOf(name: WorkloadName): Log;
  readonly metrics: Metrics;
  readonly telemetry: Telemetry;
  /** Keys of the ports; undefined for clear text. */
  readonly tls: PortKeys | undefined;
  readonly workloadToken: WorkloadToken | undefined;
  /** Methods of this process; filled as workloads start. */
  readonly local: LocalMethods;
  /** How the workloads of this process are; filled as they start. */
  readonly statuses: Map<WorkloadName, StatusOf>;
  /** Beginning of the digest of the contract. */
  readonly contract: string;
  /** Events, cached values and limits. */
  readonly messaging: Messaging;
  /** The process's database, opened at the first request for it. */
  database(): Promise<Database>;
  /** Keeps the partitions of the workloads' schemas; for when all of them have started. */
  maintain(): Promise<void>;
  peersOf(workload: Workload): PeersOf;
  /** Closes what was opened, in reverse. */
  close(): Promise<void>;
}

/** What is known before anything starts. */
export interface FoundationOptions {
  readonly names: readonly WorkloadName[];
  readonly version: string;
  /** Where log lines go; standard output by default. */
  readonly destination?: LogOptions["destination"];
  readonly clock?: Clock;
}

/** Lays the foundation of a process that runs the named workloads. */
export async function layFoundation(config: ProcessConfig, options: FoundationOptions): Promise<Foundation> {
  const { names, version, clock = systemClock } = options;
  const metrics = createMetrics({ version, workloads: names });
  const service = names.length === 1 ? names[0]! : "platform";
  const countLine = lineCounters(metrics);
  const openLog = (of: string) => {
    const { destination } = options;
    const onDropped = () => metrics.logLinesDropped.add();
    return createLog({
      service: of,
      level: config.logLevel,
      clock,
      onLine: (level) => countLine[level](),
      onDropped,
      ...(destination && { destination }),
    });
  };
  const logs = new Map(names.map((name) => [name, openLog(name)]));
  const log = openLog(service);
  const telemetry = await startTelemetry({
    ...config.tracing,
    serviceName: service,
    version,
    onSpans: (outcome, count) => metrics.spans.addMany(count, { outcome }),
    onExportFailure: () => metrics.exportFailures.add(),
  });
  const watchKeys = (files: KeyFiles) =>
    keepKeys(files, { onFailure: (cause) => log.warn("keys were not renewed", { ...files, cause }) });
  const tls = config.tls.port && { ...config.tls.port, keys: watchKeys(config.tls.port.files) };
  const peerKeys = config.tls.peers && watchKeys(config.tls.peers);
  if (tls) showExpiry(tls.keys, "port", metrics);
  if (peerKeys) showExpiry(peerKeys, "peers", metrics);
  const token = config.peerSecret ? workloadToken({ secret: config.peerSecret, clock }) : undefined;
  const local: LocalMethods = new Map();
  const closed = new AbortController();
  const network: NetworkOptions = {
    fastPath: config.fastPath,
    http2Client: config.http2Client,
    closed: closed.signal,
    local,
    running: new Set(names.map((name) => workloads.get(name)!)),
    addresses: config.addresses,
    mesh: config.mesh,
    workloadToken: token,
    keys: peerKeys,
    bodyLimit: config.requests.bodyBytes,
    metrics,
    clock,
  };
  const contract = await contractDigest();
  const messaging = await openMessaging(config.messaging, clock);
  let database: Promise<Database> | undefined;
  let maintenance: RunningJobs | undefined;
  return {
    config,
    names,
    version,
    clock,
    log,
    logOf: (name) => logs.get(name) ?? log,
    metrics,
    telemetry,
    tls,
    workloadToken: token,
    local,
    statuses: new Map(),
    contract,
    messaging,
    database() {
      database ??= openDatabase(config.stores.database, { ...config, applicationName: service, clock });
      return database;
    },
    async maintain() {
      const schemas = withDatabase(names);
      if (schemas.length === 0 || !database) return;
      const { retention } = config.stores.database;
      maintenance = startMaintenance({
        database: await database,
        schemas,
        retention,
        eventMs: config.messaging.eventMs,
        clock,
        log,
      });
    },
    peersOf: (workload) => peersOf(workload, network),
    async close() {
      closed.abort();
      for (const keys of [tls?.keys, peerKeys]) keys?.stop();
      await maintenance?.stop();
      await messaging.close();
      await database?.then(
        (opened) => opened.end(),
        () => undefined,
      );
      await telemetry.shutdown();
      for (const one of [...logs.values(), log]) {
        await one.flush();
        one.close();
      }
    },
  };
}

/** Counts a line of each level that is written. */
function lineCounters({ logLines }: Metrics): Readonly<Record<Exclude<LogLevel, "silent">, () => void>> {
  const counters = logLevels
    .filter((level) => level !== "silent")
    .map((level) => [level, logLines.tally({ level })] as const);
  return Object.fromEntries(counters) as Record<Exclude<LogLevel, "silent">, () => void>;
}
