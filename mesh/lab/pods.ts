import { chmod, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { apply, kubectl, patchStatus } from "./apiserver.js";
import { attempt, isRunning, type Started, until } from "./commands.js";
import { startContainer } from "./containers.js";
import type { Rendered } from "./manifests.js";
import { endProcesses, makePodNetwork, removeNetwork, within } from "./network.js";
import { inLab, type LabPlace, namespace, netnsPrefix, podAddress } from "./place.js";
import { startProxy } from "./proxies.js";
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
  const proxy = await startProxy(place, pod, deployment);
  // The environment holds the application until the proxy has started.
  await answers(pod, "http://127.0.0.1:15021/healthz/ready", proxy);
  if (pod.port === undefined || options.proxyOnly) return;
  const container = deployment.spec.template.spec.containers[0];
  const started = await startContainer(place, pod, container, options.environment ?? {});
  await answers(pod, `http://127.0.0.1:${pod.port}/readyz`, started);
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

async function answers(pod: Pod, url: string, { id, log }: Started): Promise<void> {
  const asked = async () => {
    if (!isRunning(id)) throw new Error(`${pod.name} has ended and answers no ${url}`);
    return (await attempt("ip", [...within(pod.netns), "curl", "-sf", "-m", "2", url])).code === 0;
  };
  await until(`${pod.name} answers ${url}`, asked, { timeoutMs: 90_000, intervalMs: 250 }).catch(
    async (error: unknown) => {
      const said = await readFile(log, "utf8").catch(() => "");
      throw new Error(`${(error as Error).message}; its log ends with\n${said.slice(-2000)}`);
    },
  );
}

/** Ends what runs in a pod and removes it, without the delays of a real end. */
export async function removePod(place: LabPlace, pod: Pod): Promise<void> {
  await endProcesses(pod.netns, "SIGKILL");
  await kubectl(place, ["-n", namespace, "delete", "pod", pod.name, "--force", "--grace-period=0"]);
  await removeNetwork(pod.netns);
  await rm(inLab(place, "pods", pod.name), { recursive: true, force: true });
}

/** Lets pods' users enter the lab's folder. */
export async function openFolder(place: LabPlace): Promise<void> {
  await mkdir(inLab(place, "pods"), { recursive: true });
  await chmod(place.folder, 0o755);
}
