/** Service account and label of the proxies that take traffic from outside. */
export const ingressAccount = "ingress";

/** The Istio Gateway on those proxies; see mesh/edge.yaml. */
export const ingressGateway = "edge";

/** A Service of the namespace. */
export interface StoreService {
  readonly name: string;
  readonly port: number;
}

/** Where a workload finds each kind of store. */
const storeServices: Readonly<Record<string, StoreService>> = {
  database: { name: "postgres", port: 5432 },
  bus: { name: "nats", port: 4222 },
  cache: { name: "redis", port: 6379 },
};

/** The Services of these stores. Throws for a kind of store that has none. */
export function servicesOf(stores: readonly string[]): StoreService[] {
  return stores.map((store) => {
    const service = storeServices[store];
    if (!service) throw new Error(`no Service is known for the store ${store}`);
    return service;
  });
}

/** Where sidecars and workloads send traces. */
export const observabilityNamespace = "observability";

/** Service account there, as which Prometheus reads metrics; METRICS_READER of the overlays names it in full. */
export const metricsReader = `${observabilityNamespace}/prometheus`;

/** Labels that select the pods of a workload. */
export function labelsOf(workload: string): { readonly app: string } {
  return { app: workload };
}

/** What stands for the namespace where Istio needs it spelled out; each overlay puts its own there. */
export const namespacePlaceholder = "consciousness";

/** Full name of a Service, as the mesh's registry has it. */
export function serviceHost(workload: string): string {
  return `${workload}.${namespacePlaceholder}.svc.cluster.local`;
}

/** Istio releases whose Envoy configuration our filters were tried on. */
export const pinnedProxies = "^1\\.31\\.";
