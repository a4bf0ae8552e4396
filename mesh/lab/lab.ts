import { randomBytes } from "node:crypto";
import { copyFile, cp, link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { apply, patchStatus, startApiserver, tryKubectl } from "./apiserver.js";
import { installBinaries } from "./binaries.js";
import { makeAuthority, makeServerCertificate } from "./certificates.js";
import { attempt, start, until } from "./commands.js";
import { startIstiod } from "./istiod.js";
import { find, isMeshRule, type Rendered, renderOverlay } from "./manifests.js";
import { makeControlNetwork, ownNetworks, processesIn, removeNetwork, within } from "./network.js";
import { control, controlAddress, inLab, type LabPlace, namespace, outsideHost } from "./place.js";
import {
  createPod,
  endProcesses,
  openFolder,
  type Pod,
  type PodOptions,
  runningPods,
  runPod,
} from "./pods.js";
import { collectorObjects, publishEndpoints } from "./services.js";

const needed = ["ip", "iptables", "setpriv", "openssl", "curl", "etcd", "kubectl", "go", "python3"];

/** Password of the lab's first account. */
export const adminPassword = "a password of the lab";

/** A replica to start. */
export interface Replica extends PodOptions {
  readonly deployment: string;
}

/** Tells of each step, with the time since the last one. */
export type Progress = (step: string) => void;

/** Why a lab cannot run here; empty when it can. */
export async function obstacles(): Promise<string[]> {
  if (process.getuid?.() !== 0) return ["it needs root, for network namespaces"];
  const found = await Promise.all(needed.map(async (name) => (await attempt("which", [name])).code === 0));
  return needed.filter((_, at) => !found[at]).map((name) => `it needs ${name}`);
}

/** Starts the control plane with the environment's own manifests, and no pods yet. */
export async function startLab(root: string, progress: Progress): Promise<LabPlace> {
  if ((await ownNetworks()).length > 0)
    throw new Error("a lab is up already; `node .build/mesh/lab/main.js down` ends it");
  const binaries = await installBinaries(root, progress);
  const folder = await mkdtemp(join(tmpdir(), "mesh-lab-"));
  const place: LabPlace = { folder, binaries, app: join(folder, "app"), root };
  await openFolder(place);
  await copyApp(place);
  // The cache may lie where the proxies' user cannot go.
  const envoy = [join(binaries, "envoy"), inLab(place, "envoy")] as const;
  await link(...envoy).catch(() => copyFile(...envoy));
  await makeControlNetwork();
  await makeAuthority(inLab(place, "authority"));
  progress("network and certificates");
  await startApiserver(place);
  progress("etcd and kube-apiserver");
  await applyDefinitions(place);
  progress("Istio's definitions");
  await applyEnvironment(place);
  progress("the environment, strictly validated");
  await startIstiod(place);
  startCollector(place);
  progress("istiod");
  return place;
}

/** Starts replicas, all at once, and puts them behind their Services. */
export async function startReplicas(place: LabPlace, replicas: readonly Replica[]): Promise<Pod[]> {
  const objects = await renderOverlay(place);
  const created: { pod: Pod; deployment: Rendered; options: PodOptions }[] = [];
  for (const { deployment: name, ...options } of replicas) {
    const deployment = find(objects, "Deployment", name);
    created.push({ pod: await createPod(place, deployment), deployment, options });
  }
  await Promise.all(created.map(({ pod, deployment, options }) => runPod(place, pod, deployment, options)));
  await publishEndpoints(place, await runningPods(place));
  return created.map(({ pod }) => pod);
}

/** Ends everything that runs in the lab's namespaces, and removes them. */
export async function stopLab(place: LabPlace | undefined): Promise<void> {
  const networks = await ownNetworks();
  const pods = networks.filter((netns) => netns !== control);
  await Promise.all(pods.map((netns) => endProcesses(netns, "SIGKILL")));
  // etcd goes last: without it the others hang.
  if (networks.includes(control)) {
    for (const id of await processesIn(control)) {
      const name = await readFile(`/proc/${id}/comm`, "utf8").catch(() => "");
      if (name && name.trim() !== "etcd") process.kill(id, "SIGKILL");
    }
    await endProcesses(control, "SIGKILL");
  }
  for (const netns of networks) await removeNetwork(netns);
  if (place) await rm(place.folder, { recursive: true, force: true });
}

function startCollector(place: LabPlace): void {
  const script = join(place.app, ".build/mesh/lab/collector.js");
  start("ip", [...within(control), process.execPath, script, controlAddress, spansFile(place)], {
    log: inLab(place, "collector.log"),
  });
}

/** Where the collector writes spans, one JSON object per line. */
export function spansFile(place: LabPlace): string {
  return inLab(place, "spans.jsonl");
}

/** What the container image would hold. */
async function copyApp({ root, app }: LabPlace): Promise<void> {
  await mkdir(app, { recursive: true });
  await cp(join(root, "package.json"), join(app, "package.json"));
  for (const folder of [".build", "services"])
    await cp(join(root, folder), join(app, folder), { recursive: true });
  await symlink(join(root, "node_modules"), join(app, "node_modules"));
}

async function applyDefinitions(place: LabPlace): Promise<void> {
  const text = await readFile(join(place.binaries, "crd-all.gen.yaml"), "utf8");
  await apply(
    place,
    parseAllDocuments(text)
      .map((document) => document.toJS())
      .filter(Boolean),
  );
  // Those that are a moment old have no status yet, which `wait` takes for an error.
  const established = ["wait", "--for=condition=Established", "crd", "--all", "--timeout=30s"];
  await until("the definitions are served", async () => (await tryKubectl(place, established)).code === 0);
}

async function applyEnvironment(place: LabPlace): Promise<void> {
  const objects = await renderOverlay(place);
  const other = ["istio-system", "observability"].map((name) => ({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name },
  }));
  const node = {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-1", labels: { "topology.kubernetes.io/zone": "zone-1" } },
  };
  await apply(place, [...other, node, ...objects.filter(({ kind }) => kind === "Namespace")]);
  await apply(place, [...collectorObjects(), ...(await secrets(place))]);
  const rest = objects.filter((object) => object.kind !== "Namespace");
  await apply(
    place,
    rest.filter((object) => !isMeshRule(object)),
  );
  await apply(place, rest.filter(isMeshRule));
  // The quota controller counts; here nothing else uses anything.
  const { hard } = find(objects, "ResourceQuota", "environment").spec;
  await patchStatus(place, "resourcequota", "environment", namespace, {
    hard,
    used: Object.fromEntries(Object.keys(hard).map((name) => [name, "0"])),
  });
  await writeConfig(place, objects);
}

async function writeConfig(place: LabPlace, objects: readonly Rendered[]): Promise<void> {
  const map = objects.find(
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name.startsWith("consciousness-config"),
  )!;
  await mkdir(inLab(place, "config"), { recursive: true });
  for (const [name, text] of Object.entries(map.data))
    await writeFile(inLab(place, "config", name), String(text));
}

async function secrets(place: LabPlace): Promise<object[]> {
  const { key, cert } = await makeServerCertificate(inLab(place, "edge"), outsideHost);
  const secret = (name: string, stringData: Record<string, string>, type = "Opaque") => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type,
    stringData,
  });
  const sealing = randomBytes(32).toString("base64");
  return [
    secret("edge-certificate", { "tls.crt": cert, "tls.key": key }, "kubernetes.io/tls"),
    secret("auth-secrets", { ADMIN_PASSWORD: adminPassword, AUTH_KEY_ENCRYPTION_KEY: sealing }),
    secret("agents-secrets", {}),
    secret("engine-secrets", {}),
  ];
}
