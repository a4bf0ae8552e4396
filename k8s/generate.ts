import { workloadRoutes } from "../mesh/rules/routes.js";
import { callGraph } from "../services/generate/call-graph.js";
import { type ImageContract, type ImageWorkload, readContract } from "../services/generate/contract.js";
import type { Writer } from "../services/generate/main.js";
import { kustomizationFile, yamlFile } from "../services/generate/yaml-file.js";
import { callGraphPolicy, commonEgress, denyAllTraffic } from "./rules/network-policies.js";
import { deployment } from "./rules/pods.js";
import { autoscaler, disruptionBudget, service, serviceAccount } from "./rules/services.js";

const folder = "k8s/base/generated";
/** Percentage of calls that a canary starts with; an overlay may change it. */
const canaryWeight = 10;

/** Writes what runs each workload, and the canary of each as a component of its own. */
export const writeKubernetes: Writer = (image) => {
  const contract = readContract(image);
  const graph = callGraph(contract);
  const { workloads } = contract;
  const files = new Map<string, string>();
  for (const workload of workloads) {
    const manifests = [
      serviceAccount(workload),
      service(workload),
      deployment(workload),
      autoscaler(workload),
      disruptionBudget(workload),
      callGraphPolicy(workload, workloads, graph),
    ];
    files.set(`${workload.name}.yaml`, yamlFile([], manifests));
  }
  files.set("network-policies.yaml", yamlFile([], [denyAllTraffic(), commonEgress()]));
  files.set("kustomization.yaml", kustomizationFile([...files.keys()]));
  for (const workload of workloads) {
    for (const [name, text] of canaryFiles(workload, contract))
      files.set(`canary/${workload.name}/${name}`, text);
  }
  return new Map([...files].map(([name, text]) => [`${folder}/${name}`, text]));
};

/** A component that runs a second version beside the first and sends it a share of the calls. */
function canaryFiles(workload: ImageWorkload, contract: ImageContract): Map<string, string> {
  const component = {
    apiVersion: "kustomize.config.k8s.io/v1alpha1",
    kind: "Component",
    resources: ["deployment.yaml"],
    patches: [{ path: "virtual-service.yaml" }],
  };
  const canary = { ...deployment(workload, "canary") };
  const routes = workloadRoutes(workload, contract, { weight: canaryWeight });
  return new Map([
    [
      "kustomization.yaml",
      yamlFile(["Set the canary's own image tag in the overlay that uses it."], [component]),
    ],
    ["deployment.yaml", yamlFile([], [{ ...canary, spec: { replicas: 1, ...(canary.spec as object) } }])],
    [
      "virtual-service.yaml",
      yamlFile(
        ["A call with `x-canary: true` goes to the canary, of the others the stated share."],
        [routes],
      ),
    ],
  ]);
}
