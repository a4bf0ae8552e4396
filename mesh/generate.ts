import { callGraph } from "../services/generate/call-graph.js";
import { type ImageContract, readContract } from "../services/generate/contract.js";
import type { Writer } from "../services/generate/main.js";
import { kustomizationFile, type Manifest, yamlFile } from "../services/generate/yaml-file.js";
import { denyAll, ingressPolicy, peerAuthentication, workloadPolicy } from "./rules/authorization.js";
import { callerDeadlines } from "./rules/deadlines.js";
import { destinationRule, failurePercentage } from "./rules/destinations.js";
import { serviceEntry, sidecar } from "./rules/egress.js";
import { environmentComponent } from "./rules/environment.js";
import { requestAuthentication } from "./rules/request-tokens.js";
import { workloadRoutes } from "./rules/routes.js";
import { telemetry } from "./rules/telemetry.js";

const folder = "mesh/generated";

/** Writes the mesh's rules: one folder that serves every namespace. */
export const writeMesh: Writer = (image) => {
  const contract = readContract(image);
  const files = meshFiles(contract);
  const texts = [...files].map(([name, { about, manifests }]): [string, string] => [
    name,
    yamlFile(about, manifests),
  ]);
  const about = [
    "Writes an overlay's namespace where Istio takes full names alone, and the issuer of its tokens.",
  ];
  const all = [
    ...texts,
    ["kustomization.yaml", kustomizationFile([...files.keys()])] as const,
    [
      "environment/kustomization.yaml",
      yamlFile(about, [environmentComponent(contract.workloads, callGraph(contract))]),
    ] as const,
  ];
  return new Map(all.map(([name, text]) => [`${folder}/${name}`, text]));
};

interface MeshFile {
  readonly about: readonly string[];
  readonly manifests: readonly Manifest[];
}

function meshFiles(contract: ImageContract): Map<string, MeshFile> {
  const { workloads } = contract;
  const graph = callGraph(contract);
  const internal = workloads.filter(({ name }) => name !== "gateway");
  const hosts = [...new Set(workloads.flatMap((workload) => workload.hosts))].sort();
  const files: [string, MeshFile][] = [
    ["peer-authentication.yaml", { about: ["Only mTLS."], manifests: [peerAuthentication()] }],
    [
      "authorization-policies.yaml",
      {
        about: ["Who may call what: nobody anything, then the declared callers exactly their methods."],
        manifests: [
          denyAll(),
          ingressPolicy(),
          ...workloads.map(({ name }) => workloadPolicy(name, contract)),
        ],
      },
    ],
    [
      "virtual-services.yaml",
      {
        about: ["Timeouts are deadlines plus 250 ms. Only idempotent methods are retried."],
        manifests: workloads.map((workload) => workloadRoutes(workload, contract)),
      },
    ],
    [
      "destination-rules.yaml",
      {
        about: ["Connection pools and ejection of failing replicas."],
        manifests: workloads.map(destinationRule),
      },
    ],
    [
      "envoy-filter.yaml",
      {
        about: [
          "Ejects a replica when half of ten calls or more fail within an interval, as Hystrix opens its circuit",
          "(errorThresholdPercentage, requestVolumeThreshold). Leaves callers' deadlines to the callee, whose typed",
          "error Envoy would race. Pinned to the Istio release they were tried on.",
        ],
        manifests: [failurePercentage(workloads), callerDeadlines()],
      },
    ],
    [
      "sidecars.yaml",
      {
        about: [
          "What each proxy can reach: the call graph, inverted. Overlays write their namespace into it.",
        ],
        manifests: workloads.map((workload) => sidecar(workload, graph)),
      },
    ],
    [
      "request-authentications.yaml",
      {
        about: [
          "Internal tokens, by the keys that auth publishes. Overlays write their namespace and issuer into it.",
        ],
        manifests: internal.map((workload) => requestAuthentication(workload, contract)),
      },
    ],
    ["telemetry.yaml", { about: ["Traces and access logs."], manifests: [telemetry()] }],
  ];
  if (hosts.length > 0) {
    files.push([
      "service-entries.yaml",
      { about: ["Hosts outside the mesh."], manifests: hosts.map(serviceEntry) },
    ]);
  }
  return new Map(files);
}
