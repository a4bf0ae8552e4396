import { configName, issuerKey } from "../../mesh/rules/environment.js";
import { labelsOf } from "../../mesh/rules/names.js";
import type { ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";

/** Image of every workload; overlays set where it comes from and its tag. */
export const imageName = "consciousness-engine";

/** Seconds for which callers may still send to a pod that is to end; then it drains. */
const announceSeconds = 5;
/** DRAIN_MS of every environment, in seconds, and a margin before the pod is killed. */
const drainSeconds = 10;
const marginSeconds = 5;

const configFolder = "/etc/consciousness";
const dataFolder = "/var/lib/consciousness";

/** Which of a workload's replicas a Deployment holds. */
export type Version = "stable" | "canary";

/** The replicas of a workload. */
export function deployment(workload: ImageWorkload, version: Version = "stable"): Manifest {
  const labels = { ...labelsOf(workload.name), version };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: version === "stable" ? workload.name : `${workload.name}-${version}`, labels },
    spec: {
      selector: { matchLabels: labels },
      // A new replica is ready before an old one goes.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      template: { metadata: { labels, annotations: sidecarAnnotations() }, spec: podSpec(workload, labels) },
    },
  };
}

/** What the injected proxy may use, and that it outlives the workload's drain. */
function sidecarAnnotations() {
  const proxy = {
    holdApplicationUntilProxyStarts: true,
    terminationDrainDuration: `${announceSeconds + drainSeconds}s`,
  };
  return {
    "sidecar.istio.io/proxyCPU": "100m",
    "sidecar.istio.io/proxyCPULimit": "500m",
    "sidecar.istio.io/proxyMemory": "128Mi",
    "sidecar.istio.io/proxyMemoryLimit": "256Mi",
    "proxy.istio.io/config": JSON.stringify(proxy),
  };
}

function podSpec(workload: ImageWorkload, labels: Readonly<Record<string, string>>) {
  return {
    serviceAccountName: workload.name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    priorityClassName: workload.name === "gateway" ? "consciousness-edge" : "consciousness-service",
    terminationGracePeriodSeconds: announceSeconds + drainSeconds + marginSeconds,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10_001,
      runAsGroup: 10_001,
      fsGroup: 10_001,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
      (topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: labels },
      }),
    ),
    containers: [container(workload)],
    volumes: [
      { name: "config", configMap: { name: configName } },
      { name: "data", emptyDir: { sizeLimit: "1Gi" } },
      { name: "tmp", emptyDir: { sizeLimit: "64Mi" } },
    ],
  };
}

function container({ name, port, stores }: ImageWorkload) {
  return {
    name,
    image: imageName,
    workingDir: "/app",
    command: ["node", "--enable-source-maps", ".build/services/main.js"],
    args: [name],
    ports: [{ name: "http", containerPort: port }],
    env: [
      { name: "CONFIG", value: `${configFolder}/config.yaml` },
      { name: "DATA_DIR", value: dataFolder },
      // Above the file, since the mesh's rules have it from here.
      { name: issuerKey, valueFrom: { configMapKeyRef: { name: configName, key: issuerKey } } },
    ],
    // A store needs its address and credentials; without one there may be nothing to keep secret.
    envFrom: [{ secretRef: { name: `${name}-secrets`, optional: stores.length === 0 } }],
    resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1", memory: "512Mi" } },
    // Readiness follows the dependencies and turns away on drain.
    startupProbe: { grpc: { port }, periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: { grpc: { port }, periodSeconds: 5, timeoutSeconds: 2, failureThreshold: 2 },
    // A restart mends no dependency, so liveness asks the process alone.
    livenessProbe: {
      httpGet: { path: "/livez", port: "http" },
      periodSeconds: 10,
      timeoutSeconds: 2,
      failureThreshold: 3,
    },
    lifecycle: { preStop: { sleep: { seconds: announceSeconds } } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "config", mountPath: configFolder, readOnly: true },
      { name: "data", mountPath: dataFolder },
      { name: "tmp", mountPath: "/tmp" },
    ],
  };
}
