import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { apply, kubectl, patchStatus } from "./apiserver.js";
import { attempt, run, start, until } from "./commands.js";
import type { Rendered } from "./manifests.js";
import { makePodNetwork, processesIn, removeNetwork, within } from "./network.js";
import {
  appUser,
  controlAddress,
  inLab,
  type LabPlace,
  namespace,
  netnsPrefix,
  podAddress,
  proxyUser,
} from "./place.js";
import { publishNames } from "./services.js";

/** A replica: a network namespace with a proxy and, but for the ingress, a workload. */
export interface Pod {
  readonly name: string;
  /** `app` label and, but for strangers, name of the Service. */
  readonly app: string;
  readonly version: string;
  readonly account: string;
  readonly address: string;
  readonly netns: string;
  readonly port: number | undefined;
}

/** What makes a pod differ from its Deployment. */
export interface PodOptions {
  /** Environment variables above those of the container. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Without the workload, for clients that stand in its place. */
  readonly proxyOnly?: boolean;
}

/** Proxies of replicas drain no longer than this, in seconds, so that labs end soon. */
const proxyDrain = "1s";

/**
 * Does for one replica of a Deployment what scheduler and API do: creates the
 * Pod and its network. Nothing runs in it yet.
 */
export async function createPod(place: LabPlace, deployment: Rendered): Promise<Pod> {
  const { labels } = deployment.spec.template.metadata;
  const spec = deployment.spec.template.spec;
  const taken = await readdir(inLab(place, "pods")).catch(() => []);
  const at = Math.max(0, ...taken.map((name) => Number(name.split("-").at(-1)))) + 1;
  const pod: Pod = {
    name: `${deployment.metadata.name}-${at}`,
    app: labels.app,
    version: labels.version,
    account: spec.serviceAccountName,
    address: podAddress(at),
    netns: `${netnsPrefix}${deployment.metadata.name}-${at}`,
    port: spec.containers[0].ports?.find(({ name }: { name: string }) => name === "http")?.containerPort,
  };
  const istioLabels = { "security.istio.io/tlsMode": "istio", "service.istio.io/canonical-name": pod.app };
  const metadata = { name: pod.name, namespace, labels: { ...labels, ...istioLabels } };
  await apply(place, [{ apiVersion: "v1", kind: "Pod", metadata, spec: { ...spec, nodeName: "node-1" } }]);
  await patchStatus(place, "pod", pod.name, namespace, {
    phase: "Running",
    podIP: pod.address,
    podIPs: [{ ip: pod.address }],
    conditions: [{ type: "Ready", status: "True" }],
  });
  await mkdir(inLab(place, "pods", pod.name), { recursive: true });
  await writeFile(inLab(place, "pods", pod.name, "pod.json"), JSON.stringify(pod));
  await makePodNetwork(pod.netns, pod.address);
  await publishNames(place);
  return pod;
}

/**
 * Does what istio-cni, injector and kubelet do: starts the proxy and the
 * process of the container. Resolves when both answer.
 */
export async function runPod(
  place: LabPlace,
  pod: Pod,
  deployment: Rendered,
  options: PodOptions = {},
): Promise<void> {
  await startProxy(place, pod, deployment);
  const container = deployment.spec.template.spec.containers[0];
  if (pod.port !== undefined && !options.proxyOnly) {
    await startContainer(place, pod, container, options.environment ?? {});
    await answers(pod, `http://127.0.0.1:${pod.port}/readyz`, inLab(place, "pods", pod.name, "app.log"));
  }
  await answers(pod, "http://127.0.0.1:15021/healthz/ready", inLab(place, "pods", pod.name, "agent.log"));
}

/** The replicas that run, oldest first. */
export async function runningPods(place: LabPlace): Promise<Pod[]> {
  const names = await readdir(inLab(place, "pods")).catch(() => []);
  const texts = await Promise.all(
    // One may be removed meanwhile.
    names.map((name) => readFile(inLab(place, "pods", name, "pod.json"), "utf8").catch(() => undefined)),
  );
  const pods = texts.filter((text) => text !== undefined).map((text) => JSON.parse(text) as Pod);
  const at = ({ name }: Pod) => Number(name.split("-").at(-1));
  return pods.sort((a, b) => at(a) - at(b));
}

async function startProxy(place: LabPlace, pod: Pod, deployment: Rendered): Promise<void> {
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
  start("ip", [...within(pod.netns, proxyUser), `${place.binaries}/pilot-agent`, ...args], {
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

/** Runs the container's command with its environment, its mounts in the pod's folder. */
async function startContainer(
  place: LabPlace,
  pod: Pod,
  container: Rendered["container"],
  more: Readonly<Record<string, string>>,
): Promise<void> {
  const volumes = inLab(place, "pods", pod.name, "volumes");
  for (const { mountPath } of container.volumeMounts) await mkdir(volumes + mountPath, { recursive: true });
  await cp(inLab(place, "config"), `${volumes}/etc/consciousness`, { recursive: true });
  await run("chown", ["-R", `${appUser}:${appUser}`, volumes]);
  const mounted = (value: string) =>
    container.volumeMounts.some(({ mountPath }: { mountPath: string }) => value.startsWith(mountPath))
      ? volumes + value
      : value;
  const stated = container.env.map(({ name, value }: { name: string; value: string }) => [
    name,
    mounted(value),
  ]);
  const secrets = await Promise.all(
    container.envFrom.map(({ secretRef }: { secretRef: { name: string } }) =>
      readSecret(place, secretRef.name),
    ),
  );
  const environment = {
    PATH: process.env.PATH,
    ...Object.fromEntries(stated),
    ...Object.assign({}, ...secrets),
    ...more,
  };
  const [program, ...args] = [...container.command, ...container.args];
  const log = inLab(place, "pods", pod.name, "app.log");
  await writeFile(log, "");
  const command = program === "node" ? process.execPath : program;
  start("ip", [...within(pod.netns, appUser), command, ...args], { folder: place.app, environment, log });
}

async function readSecret(place: LabPlace, name: string): Promise<Record<string, string>> {
  const text = await kubectl(place, [
    "-n",
    namespace,
    "get",
    "secret",
    name,
    "--ignore-not-found",
    "-o",
    "jsonpath={.data}",
  ]);
  const data = JSON.parse(text || "{}") as Record<string, string>;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

async function answers(pod: Pod, url: string, log: string): Promise<void> {
  const asked = async () =>
    (await attempt("ip", [...within(pod.netns), "curl", "-sf", "-m", "2", url])).code === 0;
  await until(`${pod.name} answers ${url} (see ${log})`, asked, { timeoutMs: 90_000, intervalMs: 250 });
}

/** The process of a pod's container. */
export async function containerProcess(pod: Pod): Promise<number> {
  const ids = await processesIn(pod.netns);
  for (const id of ids) {
    const status = await readFile(`/proc/${id}/status`, "utf8").catch(() => "");
    const command = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (status.includes(`\nUid:\t${appUser}\t`) && command.includes("services/main.js")) return id;
  }
  throw new Error(`${pod.name} runs no container`);
}

/** Ends what runs in a pod and removes it, without the delays of a real end. */
export async function removePod(place: LabPlace, pod: Pod): Promise<void> {
  await endProcesses(pod.netns, "SIGKILL");
  await kubectl(place, ["-n", namespace, "delete", "pod", pod.name, "--force", "--grace-period=0"]);
  await removeNetwork(pod.netns);
  await rm(inLab(place, "pods", pod.name), { recursive: true, force: true });
}

/** Signals every process of one of our namespaces until none is left. */
export async function endProcesses(netns: string, signal: NodeJS.Signals): Promise<void> {
  for (const id of await processesIn(netns)) {
    try {
      process.kill(id, signal);
    } catch {
      // It ended by itself meanwhile.
    }
  }
  await until(`processes of ${netns} end`, async () => (await processesIn(netns)).length === 0);
}

/** Lets pods' users enter the lab's folder. */
export async function openFolder(place: LabPlace): Promise<void> {
  await mkdir(inLab(place, "pods"), { recursive: true });
  await chmod(place.folder, 0o755);
}
