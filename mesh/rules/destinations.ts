import type { ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";
import { pinnedProxies } from "./names.js";

/** How callers reach a workload's replicas: how much at once, and which of them not. */
export function destinationRule({ name }: ImageWorkload): Manifest {
  return {
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name },
    spec: {
      host: name,
      trafficPolicy: {
        tls: { mode: "ISTIO_MUTUAL" },
        loadBalancer: { simple: "LEAST_REQUEST" },
        connectionPool: {
          tcp: { maxConnections: 100, connectTimeout: "1s" },
          // As many as a replica admits by default; maxRetries bounds the retries in flight to all replicas.
          http: { http1MaxPendingRequests: 256, http2MaxRequests: 256, maxRetries: 16 },
        },
        outlierDetection: {
          consecutive5xxErrors: 5,
          interval: "5s",
          baseEjectionTime: "30s",
          maxEjectionPercent: 50,
        },
      },
      subsets: ["stable", "canary"].map((version) => ({ name: version, labels: { version } })),
    },
  };
}

/**
 * Ejects a replica of which half of at least ten calls failed within an
 * interval: the share and the volume after which Hystrix opens its circuit.
 * Where Hystrix cuts off the whole dependency, Envoy cuts off the replica, and
 * never more than half of them. Istio has no field for it.
 */
export function failurePercentage(workloads: readonly ImageWorkload[]): Manifest {
  const detection = {
    failure_percentage_threshold: 50,
    failure_percentage_request_volume: 10,
    failure_percentage_minimum_hosts: 2,
    enforcing_failure_percentage: 100,
  };
  const patches = workloads.flatMap(({ port }) =>
    ["SIDECAR_OUTBOUND", "GATEWAY"].map((context) => ({
      applyTo: "CLUSTER",
      match: { context, proxy: { proxyVersion: pinnedProxies }, cluster: { portNumber: port } },
      patch: { operation: "MERGE", value: { outlier_detection: detection } },
    })),
  );
  return {
    apiVersion: "networking.istio.io/v1alpha3",
    kind: "EnvoyFilter",
    metadata: { name: "failure-percentage" },
    spec: { configPatches: patches },
  };
}
