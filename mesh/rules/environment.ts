import type { Edge } from "../../services/generate/call-graph.js";
import type { ImageWorkload } from "../../services/generate/contract.js";
import { servicesReachedBy } from "./egress.js";

/** The ConfigMap of every overlay, and its key that says as whom auth signs. */
export const configName = "consciousness-config";
export const issuerKey = "TOKEN_ISSUER";

/**
 * A kustomize component that writes an overlay's namespace over the
 * placeholder, wherever Istio takes full names alone, and the overlay's issuer
 * into the rules on tokens.
 */
export function environmentComponent(workloads: readonly ImageWorkload[], graph: readonly Edge[]) {
  const egress = workloads.map((workload) => ({
    select: { kind: "Sidecar", name: workload.name },
    fieldPaths: servicesReachedBy(workload, graph).map((_, at) => `spec.egress.0.hosts.${at}`),
    // "./engine.consciousness.svc.cluster.local"
    options: { delimiter: ".", index: 2 },
  }));
  const tokenRules = { kind: "RequestAuthentication" };
  const keys = {
    select: tokenRules,
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
      {
        source: { kind: "ConfigMap", name: configName, fieldPath: `data.${issuerKey}` },
        targets: [{ select: tokenRules, fieldPaths: ["spec.jwtRules.*.issuer"] }],
      },
    ],
  };
}
