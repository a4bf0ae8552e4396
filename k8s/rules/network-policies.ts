import { ingressAccount, labelsOf, observabilityNamespace, servicesOf } from "../../mesh/rules/names.js";
import { calleesOf, callersOf, type Edge } from "../../services/generate/call-graph.js";
import type { ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";

const apiVersion = "networking.k8s.io/v1";
const collectorPorts = [4317, 4318];

/** No pod of the namespace talks to anybody. */
export function denyAllTraffic(): Manifest {
  return {
    apiVersion,
    kind: "NetworkPolicy",
    metadata: { name: "deny-all" },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}

/** Every pod resolves names, gets its certificate and rules from istiod, and sends traces. */
export function commonEgress(): Manifest {
  return {
    apiVersion,
    kind: "NetworkPolicy",
    metadata: { name: "common-egress" },
    spec: {
      podSelector: {},
      policyTypes: ["Egress"],
      egress: [
        { to: [namespace("kube-system")], ports: [port(53, "UDP"), port(53)] },
        { to: [namespace("istio-system")], ports: [port(15_012)] },
        { to: [namespace(observabilityNamespace)], ports: collectorPorts.map((number) => port(number)) },
      ],
    },
  };
}

/** What the call graph has of one workload: callers in; callees, stores and hosts outside out. */
export function callGraphPolicy(
  workload: ImageWorkload,
  workloads: readonly ImageWorkload[],
  graph: readonly Edge[],
): Manifest {
  const { name, stores, hosts } = workload;
  const portOf = (callee: string) => workloads.find((one) => one.name === callee)!.port;
  const callers = name === "gateway" ? [ingressAccount] : callersOf(graph, name);
  return {
    apiVersion,
    kind: "NetworkPolicy",
    metadata: { name },
    spec: {
      podSelector: { matchLabels: labelsOf(name) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        {
          // From observability, metrics are read; who may, the proxy decides.
          from: [...callers.map(pods), namespace(observabilityNamespace)],
          ports: [port(workload.port)],
        },
      ],
      egress: [
        ...calleesOf(graph, name).map((callee) => ({ to: [pods(callee)], ports: [port(portOf(callee))] })),
        ...servicesOf(stores).map((store) => ({ to: [pods(store.name)], ports: [port(store.port)] })),
        // Addresses of hosts outside change; which of them is asked, the proxy decides by name.
        ...(hosts.length > 0 ? [{ ports: [port(443)] }] : []),
      ],
    },
  };
}

function pods(app: string) {
  return { podSelector: { matchLabels: labelsOf(app) } };
}

function namespace(name: string) {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}

function port(number: number, protocol = "TCP") {
  return { port: number, protocol };
}
