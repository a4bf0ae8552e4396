import { calleesOf, type Edge } from "../../services/generate/call-graph.js";
import type { ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";
import { labelsOf, observabilityNamespace, serviceHost, servicesOf } from "./names.js";

const apiVersion = "networking.istio.io/v1";

/** What a workload's proxy knows at all: whom the workload calls, its stores, its hosts outside and the collector. */
export function sidecar({ name, stores, hosts }: ImageWorkload, graph: readonly Edge[]): Manifest {
  const inside = servicesReachedBy({ name, stores }, graph).map((service) => `./${serviceHost(service)}`);
  const outside = hosts.map((host) => `./${host}`);
  return {
    apiVersion,
    kind: "Sidecar",
    metadata: { name },
    spec: {
      workloadSelector: { labels: labelsOf(name) },
      outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
      egress: [{ hosts: [...inside, ...outside, `${observabilityNamespace}/*`] }],
    },
  };
}

/** Services of the own namespace that a workload calls: other workloads, and its stores. */
export function servicesReachedBy(
  { name, stores }: Pick<ImageWorkload, "name" | "stores">,
  graph: readonly Edge[],
): string[] {
  return [...calleesOf(graph, name), ...servicesOf(stores).map((service) => service.name)];
}

/** A host outside the mesh, which exactly the workloads that state it can reach. */
export function serviceEntry(host: string): Manifest {
  return {
    apiVersion,
    kind: "ServiceEntry",
    metadata: { name: host.replaceAll(".", "-") },
    spec: {
      hosts: [host],
      location: "MESH_EXTERNAL",
      resolution: "DNS",
      exportTo: ["."],
      ports: [{ number: 443, name: "tls", protocol: "TLS" }],
    },
  };
}
