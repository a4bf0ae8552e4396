import { join } from "node:path";
import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { MethodImpl } from "@connectrpc/connect";
import { Store } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { file_google_rpc_error_details } from "#gen/ts/google/rpc/error_details_pb.js";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { ServerReflection } from "#gen/ts/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "#gen/ts/grpc/reflection/v1alpha/reflection_pb.js";
import { type Audit, createAudit } from "../audit/audit.js";
import { type Plans, planChain } from "../chain/chain.js";
import { type Admission, createAdmission } from "../chain/limit.js";
import type { Quotas } from "../chain/quota.js";
import { uncompilableRules } from "../chain/validate.js";
import { ContractError, type MethodContract, resolveContract } from "../contract/method.js";
import { operatorMethods } from "../contract/operator-services.js";
import { type WorkloadName, workloadProfile, workloads } from "../contract/workloads.js";
import type { Relay } from "../events/relay.js";
import type { LocalMethod } from "../peers/local.js";
import { createHealth } from "../serve/health.js";
import { createReadiness, type Readiness } from "../serve/readiness.js";
import { createReflection } from "../serve/reflection.js";
import {
  type Dependency,
  type Edge,
  type Implementation,
  implement,
  type Platform,
  type Served,
} from "../workload.js";
import { layersOf } from "./chain.js";
import type { Foundation } from "./foundation.js";
import { relayOf } from "./messaging.js";
import { quotasOf } from "./plans.js";
import { noting, type Subscriptions, systemOf } from "./system-of.js";

/** A workload that runs in this process and has no port yet. */
export interface HostedWorkload {
  readonly name: WorkloadName;
  /** What its port serves, operators' services included. */
  readonly implementations: readonly Implementation[];
  readonly contracts: ReadonlyMap<DescMethod, MethodContract>;
  readonly plans: Plans;
  /** Its methods, for REST and for calls in memory. */
  readonly methods: readonly LocalMethod[];
  /** What has to answer for it to be ready. */
  readonly dependencies: readonly Dependency[];
  readonly readiness: Readiness;
  readonly served: Served;
  /** Carries its events away; waits to be started. */
  readonly relay: Relay | undefined;
  /** Records what its calls do. */
  readonly audit: Audit;
}

/** Finds problems of a contract that the kit itself does not know, such as conflicting routes. */
export type ContractCheck = (services: readonly DescService[]) => readonly string[];

/** How a workload is hosted. */
export interface HostOptions {
  readonly start: (platform: Platform) => Promise<Served>;
  readonly foundation: Foundation;
  readonly check: ContractCheck;
  /** Workloads whose readiness counts as this one's, as its port alone is open. */
  readonly standsFor?: readonly HostedWorkload[];
}

/** Starts a workload on the foundation and plans its chain. Throws `ContractError` with every problem. */
export async function hostWorkload(name: WorkloadName, options: HostOptions): Promise<HostedWorkload> {
  const { foundation } = options;
  const admission = createAdmission(foundation.config.admission, foundation.clock);
  const { clock } = foundation;
  const quotas = quotasOf(foundation.config.quotas, {
    peers: foundation.peersOf(workloads.get(name)!),
    clock,
  });
  const subscriptions: Subscriptions = new Map();
  const served = await options.start(platformOf(name, foundation, { admission, quotas, subscriptions }));
  const relay = await relayOf(name, {
    ...foundation,
    bus: foundation.messaging.bus,
    log: foundation.logOf(name),
  });
  const own = [...served.dependencies, relay?.dependency, foundation.telemetry.dependency];
  const needed = own.filter((one) => one !== undefined);
  const dependencies = named([
    ...needed,
    ...(options.standsFor ?? []).flatMap((other) => other.dependencies),
  ]);
  const readiness = createReadiness({ dependencies, clock });
  const system = systemOf(name, { foundation, readiness, admission, served, relay, subscriptions });
  const offered = [...served.implementations, system];
  const contract = resolveContract(offered.map(({ service }) => service));
  const problems = [
    ...contract.problems,
    ...uncompilableRules(contract.methods.values()),
    ...options.check(offered.map(({ service }) => service)),
  ];
  if (problems.length > 0) throw new ContractError(problems);
  const implementations = [...offered, ...operatorImplementations(offered, foundation, readiness)];
  const audit = auditOf(name, foundation);
  const plans = planChain(
    new Map([...contract.methods, ...operatorMethods()]),
    chainOf(name, foundation, { admission, quotas, audit, edge: served.edge }),
  );
  return {
    name,
    implementations,
    contracts: contract.methods,
    plans,
    methods: localMethods(offered, plans),
    dependencies,
    readiness,
    served,
    relay,
    audit,
  };
}

/** One of each name: workloads of one process share its stores. */
function named(dependencies: readonly Dependency[]): Dependency[] {
  return [...new Map(dependencies.map((one) => [one.name, one])).values()];
}

function platformOf(
  name: WorkloadName,
  foundation: Foundation,
  {
    admission,
    quotas,
    subscriptions,
  }: { readonly admission: Admission; readonly quotas: Quotas; readonly subscriptions: Subscriptions },
): Platform {
  const { clock, metrics, version, messaging } = foundation;
  const bus = noting(messaging.bus, subscriptions);
  const { stores } = workloadProfile(workloads.get(name)!);
  // Beside others that state it a store is there, and alone it would be this process's own.
  const stated = <S>(store: Store, opened: S): S => {
    if (stores.includes(store)) return opened;
    throw new Error(`the contract gives ${name} no STORE_${Store[store]}`);
  };
  return {
    clock,
    log: foundation.logOf(name),
    metrics,
    version,
    dataDirectory: join(foundation.config.dataDirectory, name),
    database: foundation.database,
    get bus() {
      return stated(Store.BUS, bus);
    },
    hears: (other) => foundation.config.messaging.nats !== undefined || foundation.names.includes(other),
    get cache() {
      return stated(Store.CACHE, messaging.cache);
    },
    get limits() {
      return stated(Store.CACHE, messaging.limits);
    },
    quotas,
    peer: foundation.peersOf(workloads.get(name)!),
    load: admission.load,
  };
}

function operatorImplementations(
  own: readonly Implementation[],
  { config }: Foundation,
  readiness: Readiness,
): Implementation[] {
  const services = own.map(({ service }) => service);
  const health = implement(
    Health,
    createHealth({ readiness, services: services.map(({ typeName }) => typeName) }),
  );
  if (!config.reflection) return [health];
  const reflected = [...services, Health, ServerReflection, ServerReflectionAlpha];
  // Details of errors are no part of any method's types, and grpcurl shows only what it can look up.
  const reflection = createReflection(reflected, [file_google_rpc_error_details]);
  return [
    health,
    implement(ServerReflection, reflection.v1),
    implement(ServerReflectionAlpha, reflection.v1alpha),
  ];
}

function chainOf(
  name: WorkloadName,
  foundation: Foundation,
  {
    admission,
    quotas,
    audit,
    edge,
  }: {
    readonly admission: Admission;
    readonly quotas: Quotas;
    readonly audit: Audit;
    readonly edge: Edge | undefined;
  },
) {
  const workload = workloads.get(name)!;
  return layersOf({
    workload,
    peers: foundation.peersOf(workload),
    admission,
    findCredential: edge?.findCredential,
    workloadToken: foundation.workloadToken,
    metricsToken: foundation.config.metricsToken,
    metricsReader: foundation.config.metricsReader,
    limits: foundation.messaging.limits,
    rates: foundation.config.rates,
    quotas,
    audit,
    tokenIssuer: foundation.config.tokenIssuer,
    log: foundation.logOf(name),
    metrics: foundation.metrics,
    clock: foundation.clock,
  });
}

function auditOf(name: WorkloadName, { clock, metrics, logOf, peersOf }: Foundation): Audit {
  return createAudit({
    workload: name,
    peers: peersOf(workloads.get(name)!),
    log: logOf(name),
    metrics,
    clock,
  });
}

function localMethods(implementations: readonly Implementation[], plans: Plans): LocalMethod[] {
  return implementations.flatMap(({ service, handlers }) =>
    service.methods.map((method) => ({
      method,
      plan: plans.get(method)!,
      handler: handlers[method.localName] as MethodImpl<DescMethod>,
    })),
  );
}
