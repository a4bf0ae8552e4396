/** Service account and label of the proxies that take traffic from outside. */
export const ingressAccount = "ingress";

/** The Istio Gateway on those proxies; see mesh/edge.yaml. */
export const ingressGateway = "edge";

/** Where a workload with a relational store finds PostgreSQL. */
export const databaseService = { name: "postgres", port: 5432 };

/** Where sidecars and workloads send traces. */
export const observabilityNamespace = "observability";

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
