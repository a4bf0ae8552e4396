import type { Edge } from "../../services/generate/call-graph.js";
import type { ImageWorkload } from "../../services/generate/contract.js";
import { servicesReachedBy } from "./egress.js";

/**
 * A kustomize component that writes an overlay's namespace over the
 * placeholder, wherever Istio takes full names alone.
 */
export function namespaceComponent(workloads: readonly ImageWorkload[], graph: readonly Edge[]) {
  const egress = workloads.map((workload) => ({
    select: { kind: "Sidecar", name: workload.name },
    fieldPaths: servicesReachedBy(workload, graph).map((_, at) => `spec.egress.0.hosts.${at}`),
    // "./engine.consciousness.svc.cluster.local"
    options: { delimiter: ".", index: 2 },
  }));
  const keys = {
    select: { kind: "RequestAuthentication" },
    fieldPaths: ["spec.jwtRules.*.jwksUri"],
    // "http://auth.consciousness.svc.cluster.local:8006/…"
    options: { delimiter: ".", index: 1 },
  };
  return {
    apiVersion: "kustomize.config.k8s.io/v1alpha1",
    kind: "Component",
    replacements: [
      {
        source: { kind: "Namespace", fieldPath: "metadata.name" },
        targets: [...egress.filter(({ fieldPaths }) => fieldPaths.length > 0), keys],
      },
    ],
  };
}
