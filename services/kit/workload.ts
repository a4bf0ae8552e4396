import type { IncomingMessage, ServerResponse } from "node:http";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Layer } from "./chain/chain.js";
import type { Quotas } from "./chain/quota.js";
import type { Clock } from "./clock.js";
import type { ConfigSource } from "./config.js";
import type { MethodContract } from "./contract/method.js";
import type { WorkloadName } from "./contract/workloads.js";
import type { Log } from "./log.js";
import type { Metrics } from "./metrics.js";
import type { Peer } from "./peers/peers.js";
import type { ArrivalTrust } from "./serve/arrivals.js";
import type { RequestHandler } from "./serve/listen.js";
import type { Bus } from "./stores/bus/port.js";
import type { Cache } from "./stores/cache/port.js";
import type { Database } from "./stores/database/port.js";
import type { Limits } from "./stores/limits/port.js";

/** What a process gives to each workload that runs in it. */
export interface Platform {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Version of the platform. */
  readonly version: string;
  /** Where the workload may keep files; made on demand. */
  readonly dataDirectory: string;
  /** The process's database, opened at the first request for it. */
  database(): Promise<Database>;
  /** Carries events; the workload's own leave by its outbox. */
  readonly bus: Bus;
  /** Whether events of that workload arrive here: over a bus between processes, or as it runs in this one. */
  hears(workload: WorkloadName): boolean;
  /** Shared by all replicas of a deployment, as the limits are. */
  readonly cache: Cache;
  readonly limits: Limits;
  /** What bounds calls from outside, as the chain counts them. */
  readonly quotas: Quotas;
  /** A typed client of another service, in memory when it runs here. */
  peer<S extends DescService>(service: S): Peer<S>;
  /** How busy this workload is. */
  load(): Load;
}

/** How busy a workload is. */
export interface Load {
  /** Calls in progress. */
  readonly inFlight: number;
  /** How many calls at once are admitted. */
  readonly limit: number;
  /** How long the latest call waited for admission, in milliseconds. */
  readonly queueMs: number;
  /** How long a call may wait, in milliseconds. */
  readonly queueBudgetMs: number;
}

/** Something a workload needs in order to serve, or to serve well. */
export interface Dependency {
  readonly name: string;
  /** Whether the workload serves without it, if less well: it is told of then, and takes no traffic away. */
  readonly degrades?: boolean;
  /** Resolves when it answers. */
  check(signal: AbortSignal): Promise<void>;
}

/** What a workload found when it checked one thing about itself. */
export interface SelfCheck {
  readonly name: string;
  /** Whether it is as it should be. */
  readonly ok: boolean;
  /** What was found, in a few words without hosts or secrets. */
  readonly detail: string;
}

/** A service and the handlers of its methods. */
export interface Implementation {
  readonly service: DescService;
  readonly handlers: ServiceImpl<DescService>;
}

/** Pairs a service with its complete handlers. */
export function implement<S extends DescService>(service: S, handlers: ServiceImpl<S>): Implementation {
  return { service, handlers: handlers as ServiceImpl<DescService> };
}

/** A port that is about to open. */
export interface EdgePort {
  readonly handler: RequestHandler;
  readonly services: readonly DescService[];
  readonly contracts: ReadonlyMap<DescMethod, MethodContract>;
  readonly trust: ArrivalTrust;
}

/** What a port does for browsers and caches, around its calls. */
export interface Edge {
  /** Wraps what the port serves. */
  wrap(port: EdgePort): RequestHandler;
  /** Finds a caller's credential where the caller's header has none. Stands before authentication. */
  readonly findCredential: Layer;
}

/** A workload that has been started. */
export interface Served {
  readonly implementations: readonly Implementation[];
  readonly dependencies: readonly Dependency[];
  /** Answers requests that are no RPC; resolves to false to leave one alone. */
  readonly http?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;
  readonly edge?: Edge;
  /** Checks what no dependency tells. */
  selfChecks?(signal: AbortSignal): Promise<readonly SelfCheck[]>;
  /** Version of its trained models, if it has any. */
  readonly modelsVersion?: string;
  /** Lines for the person who started the process, such as a generated password. */
  readonly announcements?: readonly string[];
  /** Releases what the workload holds; the platform closes what it gave. */
  stop?(): Promise<void>;
}

/** A process of the catalogue: what `services/<name>/service.ts` exports. */
export interface WorkloadDefinition<C> {
  /** Reads its configuration; problems stay in the source. */
  config(source: ConfigSource): C;
  start(config: C, platform: Platform): Promise<Served>;
}

/** A workload whose configuration's type nobody else needs to know. */
export interface Preparable {
  /** Reads the configuration; returns how to start. */
  prepare(source: ConfigSource): (platform: Platform) => Promise<Served>;
}

/** Hides the type of a workload's configuration. */
export function preparable<C>(definition: WorkloadDefinition<C>): Preparable {
  return {
    prepare(source) {
      const config = definition.config(source);
      return (platform) => definition.start(config, platform);
    },
  };
}
