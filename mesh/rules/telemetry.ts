import type { Manifest } from "../../services/generate/yaml-file.js";

/** Traces to the collector and one access log line per request; the providers are named in mesh/mesh-config.yaml. */
export function telemetry(): Manifest {
  return {
    apiVersion: "telemetry.istio.io/v1",
    kind: "Telemetry",
    metadata: { name: "default" },
    spec: {
      tracing: [{ providers: [{ name: "otel" }], randomSamplingPercentage: 100 }],
      accessLogging: [{ providers: [{ name: "envoy" }] }],
    },
  };
}
