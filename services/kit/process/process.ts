import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ConfigSource } from "../config.js";
import type { MethodContract } from "../contract/method.js";
import { type WorkloadName, workloads } from "../contract/workloads.js";
import type { Log } from "../log.js";
import type { LocalMethod } from "../peers/local.js";
import type { ArrivalTrust } from "../serve/arrivals.js";
import { createEndpoint, type RestHandler } from "../serve/endpoint.js";
import { type Listener, listen } from "../serve/listen.js";
import type { RequestLimits } from "../serve/request-limits.js";
import { listenTls } from "../tls/port.js";
import type { Preparable } from "../workload.js";
import { processConfig } from "./config.js";
import { type Foundation, type FoundationOptions, layFoundation } from "./foundation.js";
import { type ContractCheck, type HostedWorkload, hostWorkload } from "./workload-host.js";

/** Makes the REST side of a port. */
export type RestFactory = (options: {
  readonly workload: WorkloadName;
  readonly services: readonly DescService[];
  readonly methods: readonly LocalMethod[];
  readonly contracts: ReadonlyMap<DescMethod, MethodContract>;
  readonly limits: RequestLimits;
  readonly fastPath: boolean;
  readonly log: Log;
}) => RestHandler;

/** What a process runs. */
export interface ProcessOptions extends FoundationOptions {
  readonly source: ConfigSource;
  load(name: WorkloadName): Promise<Preparable>;
  readonly rest: RestFactory;
  readonly check: ContractCheck;
  /** Told of each step of the start. */
  readonly progress?: (step: string) => void;
}

/** A process that serves. */
export interface RunningProcess {
  /** Port of each workload that listens. */
  readonly ports: ReadonlyMap<WorkloadName, number>;
  readonly announcements: readonly string[];
  /** Stops taking traffic, lets calls finish within the configured bound, and closes everything. */
  stop(): Promise<void>;
}

/**
 * Starts workloads in one process. Throws `ConfigError` or `ContractError`
 * with everything that is wrong; whatever had started is stopped then.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const progress = options.progress ?? (() => undefined);
  const config = processConfig(options.source, options.names);
  const planned = await Promise.all(
    options.names.map(async (name) => {
      const start = (await options.load(name)).prepare(options.source);
      return { name, start };
    }),
  );
  options.source.finish(namesOfOthers(options.names));
  const foundation = await layFoundation(config, options);
  const hosted: HostedWorkload[] = [];
  const listeners = new Map<WorkloadName, Listener>();
  const stop = () => stopAll(hosted, [...listeners.values()], foundation);
  try {
    for (const { name, start } of gatewayLast(planned)) {
      progress(`starting ${name}`);
      const standsFor = hosted.length + 1 === workloads.size ? [...hosted] : [];
      const workload = await hostWorkload(name, { start, foundation, check: options.check, standsFor });
      hosted.push(workload);
      // What the gateway forwards is not its own: peers go to the services themselves.
      if (name !== "gateway")
        for (const method of workload.methods) foundation.local.set(method.method, method);
    }
    await foundation.maintain();
    for (const { relay } of hosted) relay?.start();
    for (const workload of listening(hosted)) {
      const listener = await openPort(workload, foundation, options.rest);
      listeners.set(workload.name, listener);
      progress(`${workload.name} listens on port ${listener.port}`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    ports: new Map([...listeners].map(([name, listener]) => [name, listener.port])),
    announcements: hosted.flatMap(({ served }) => served.announcements ?? []),
    stop,
  };
}

/** How settings of workloads begin that run in other processes. */
function namesOfOthers(running: readonly WorkloadName[]): string[] {
  return [...workloads.keys()]
    .filter((name) => !running.includes(name))
    .map((name) => `${name.toUpperCase()}_`);
}

/** Its readiness stands for everything else where its port is the only one. */
function gatewayLast<P extends { readonly name: WorkloadName }>(planned: readonly P[]): P[] {
  return [...planned].sort((a, b) => Number(a.name === "gateway") - Number(b.name === "gateway"));
}

/** Where everything runs together the gateway's port is the only one. */
function listening(hosted: readonly HostedWorkload[]): readonly HostedWorkload[] {
  return hosted.length === workloads.size ? hosted.filter(({ name }) => name === "gateway") : hosted;
}

function openPort(workload: HostedWorkload, foundation: Foundation, rest: RestFactory): Promise<Listener> {
  const { config, metrics } = foundation;
  const log = foundation.logOf(workload.name);
  const gateway = workload.name === "gateway";
  const services = workload.implementations.map(({ service }) => service);
  const trust: ArrivalTrust = {
    proxyHops: config.trustedProxyHops,
    proxyHeader: config.trustedProxyHeader,
    mesh: config.mesh,
    internal: !gateway,
  };
  const handler = createEndpoint({
    implementations: workload.implementations,
    plans: workload.plans,
    rest: rest({
      workload: workload.name,
      // Only the gateway offers REST; elsewhere it is for probes and scrapes.
      services: gateway ? services : services.filter(isServedEverywhere(workload)),
      methods: workload.methods,
      contracts: workload.contracts,
      limits: config.requests,
      fastPath: config.fastPath,
      log,
    }),
    trust,
    limits: config.requests,
    fastPath: config.fastPath,
    log,
    metrics,
  });
  // The edge has no part in native gRPC, so streams need not pass it.
  const { serveStream } = handler;
  const edge = workload.served.edge?.wrap({ handler, services, contracts: workload.contracts, trust });
  return listen({
    host: config.host,
    port: config.ports.get(workloads.get(workload.name)!)!,
    handler: edge ? Object.assign(edge, { serveStream }) : handler,
    ...(foundation.tls && { tls: listenTls(foundation.tls) }),
    limits: {
      maxConnections: config.connections.most,
      maxConnectionsPerAddress: config.connections.perAddress,
      maxHeaderBytes: config.requests.headerBytes,
      maxHeaderFields: config.requests.headerFields,
      maxUrlBytes: config.requests.urlBytes,
    },
    onSocketError: (cause) => log.debug("connection failed", { workload: workload.name, cause }),
  });
}

function isServedEverywhere({ contracts }: HostedWorkload) {
  return (service: DescService) =>
    [...contracts.values()].some(
      ({ method, workload }) => method.parent === service && workload === undefined,
    );
}

async function stopAll(
  hosted: readonly HostedWorkload[],
  listeners: readonly Listener[],
  foundation: Foundation,
): Promise<void> {
  for (const { readiness } of hosted) readiness.drain();
  await Promise.all(listeners.map((listener) => listener.drain(foundation.config.drainMs)));
  // The record may be another workload of this process, so that all send before any stops.
  await Promise.all(hosted.map(({ audit }) => audit.stop()));
  await Promise.all(hosted.map(({ served }) => served.stop?.()));
  await Promise.all(hosted.map(({ relay }) => relay?.stop()));
  await foundation.close();
}
