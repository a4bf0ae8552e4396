import { cp, mkdir, writeFile } from "node:fs/promises";
import { kubectl } from "./apiserver.js";
import { run, type Started, start } from "./commands.js";
import type { Rendered } from "./manifests.js";
import { within } from "./network.js";
import { controlAddress, inLab, type LabPlace, namespace, proxyUser } from "./place.js";
import type { Pod } from "./pods.js";

/** Proxies of replicas drain no longer than this, in seconds, so that labs end soon. */
const proxyDrain = "1s";

/** Starts pilot-agent and its Envoy in a pod, with what the injector and istio-cni would give them. */
export async function startProxy(place: LabPlace, pod: Pod, deployment: Rendered): Promise<Started> {
  const folder = inLab(place, "pods", pod.name, "proxy");
  const gateway = deployment.spec.template.metadata.annotations?.["inject.istio.io/templates"] === "gateway";
  for (const part of [
    "etc/istio/proxy",
    "etc/istio/pod",
    "var/run/secrets/tokens",
    "var/run/secrets/istio",
    "var/lib/istio/envoy",
  ]) {
    await mkdir(`${folder}/${part}`, { recursive: true });
  }
  await cp(
    `${place.binaries}/envoy_bootstrap.json`,
    `${folder}/var/lib/istio/envoy/envoy_bootstrap_tmpl.json`,
  );
  const root = await kubectl(place, [
    "-n",
    namespace,
    "get",
    "configmap",
    "istio-ca-root-cert",
    "-o",
    "jsonpath={.data.root-cert\\.pem}",
  ]);
  await writeFile(`${folder}/var/run/secrets/istio/root-cert.pem`, root);
  await writeFile(`${folder}/var/run/secrets/tokens/istio-token`, await podToken(place, pod), {
    mode: 0o600,
  });
  await writeFile(`${folder}/etc/istio/pod/labels`, `app="${pod.app}"\nversion="${pod.version}"\n`);
  const log = inLab(place, "pods", pod.name, "agent.log");
  await writeFile(log, "");
  await run("chown", ["-R", `${proxyUser}:${proxyUser}`, folder, log]);
  if (!gateway) await redirect(place, pod);
  const role = gateway ? "router" : "sidecar";
  const args = ["proxy", role, "--domain", `${namespace}.svc.cluster.local`, "--proxyLogLevel=warning"];
  return start("ip", [...within(pod.netns, proxyUser), `${place.binaries}/pilot-agent`, ...args], {
    folder,
    environment: proxyEnvironment(place, pod, gateway),
    log,
  });
}

/** Sends all traffic of the pod through its proxy, as istio-cni does. */
async function redirect(place: LabPlace, pod: Pod): Promise<void> {
  const ports = ["-p", "15001", "-z", "15006", "-u", proxyUser, "-g", proxyUser, "-m", "REDIRECT"];
  const scope = ["-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020"];
  await run("ip", [
    ...within(pod.netns),
    `${place.binaries}/pilot-agent`,
    "istio-iptables",
    ...ports,
    ...scope,
  ]);
}

function podToken(place: LabPlace, pod: Pod): Promise<string> {
  return kubectl(place, ["-n", namespace, "get", "pod", pod.name, "-o", "jsonpath={.metadata.uid}"]).then(
    (uid) =>
      kubectl(place, [
        ...["-n", namespace, "create", "token", pod.account, "--audience=istio-ca"],
        ...["--bound-object-kind=Pod", `--bound-object-name=${pod.name}`, `--bound-object-uid=${uid}`],
      ]),
  );
}

function proxyEnvironment(place: LabPlace, pod: Pod, gateway: boolean) {
  const labels = { app: pod.app, version: pod.version, "service.istio.io/canonical-name": pod.app };
  const discovery = "istiod.istio-system.svc:15012";
  return {
    PATH: process.env.PATH,
    POD_NAME: pod.name,
    POD_NAMESPACE: namespace,
    INSTANCE_IP: pod.address,
    HOST_IP: controlAddress,
    SERVICE_ACCOUNT: pod.account,
    TRUST_DOMAIN: "cluster.local",
    CA_ADDR: discovery,
    PILOT_CERT_PROVIDER: "istiod",
    ISTIO_META_CLUSTER_ID: "Kubernetes",
    ISTIO_META_MESH_ID: "cluster.local",
    ISTIO_META_WORKLOAD_NAME: pod.app,
    ISTIO_META_INTERCEPTION_MODE: gateway ? "NONE" : "REDIRECT",
    ISTIO_METAJSON_LABELS: JSON.stringify(labels),
    PROXY_CONFIG: JSON.stringify({
      binaryPath: inLab(place, "envoy"),
      discoveryAddress: discovery,
      statusPort: 15_020,
      concurrency: 1,
      terminationDrainDuration: proxyDrain,
      proxyStatsMatcher: {
        inclusionRegexps: [".*outlier_detection.*", ".*upstream_rq_(retry|timeout|pending_overflow).*"],
      },
    }),
  };
}
