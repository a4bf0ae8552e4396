import { labelsOf } from "../../mesh/rules/names.js";
import type { ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";

/** Identity of a workload in the mesh; named like it, which is how the kit knows callers. */
export function serviceAccount({ name }: ImageWorkload): Manifest {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name },
    automountServiceAccountToken: false,
  };
}

/** Address of a workload. The port speaks HTTP/1.1 too, but callers in the mesh send HTTP/2 alone. */
export function service({ name, port }: ImageWorkload): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: labelsOf(name) },
    spec: {
      selector: labelsOf(name),
      ports: [{ name: "http", port, targetPort: "http", appProtocol: "http2" }],
    },
  };
}

/** Adds replicas by load; overlays set how many at least and at most. */
export function autoscaler({ name }: ImageWorkload): Manifest {
  const metric = (resource: string, averageUtilization: number) => ({
    type: "Resource",
    resource: { name: resource, target: { type: "Utilization", averageUtilization } },
  });
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas: 1,
      maxReplicas: 2,
      metrics: [metric("cpu", 70), metric("memory", 80)],
      behavior: { scaleDown: { stabilizationWindowSeconds: 300 } },
    },
  };
}

/** Maintenance takes one replica at a time. */
export function disruptionBudget({ name }: ImageWorkload): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name },
    spec: { maxUnavailable: 1, selector: { matchLabels: labelsOf(name) } },
  };
}
