import { copyFile, cp, link, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApiserver } from "./apiserver.js";
import { installBinaries } from "./binaries.js";
import { makeAuthority } from "./certificates.js";
import { start, until } from "./commands.js";
import { applyDefinitions, applyEnvironment } from "./environment.js";
import { startIstiod } from "./istiod.js";
import { find, type Rendered, renderOverlay } from "./manifests.js";
import {
  endProcess,
  endProcesses,
  makeControlNetwork,
  nameOf,
  ownNetworks,
  processesIn,
  removeNetwork,
  within,
} from "./network.js";
import { control, controlAddress, inLab, type LabPlace } from "./place.js";
import { createPod, openFolder, type Pod, type PodOptions, runningPods, runPod } from "./pods.js";
import { forgetLab, knownLab, noteLab } from "./record.js";
import { publishEndpoints } from "./services.js";
import { startStores } from "./stores.js";

/** A replica to start. */
export interface Replica extends PodOptions {
  readonly deployment: string;
}

/** Tells of each step, with the time since the last one. */
export type Progress = (step: string) => void;

/**
 * Starts the control plane with the environment's own manifests, and no pods
 * yet. Whoever calls it has claimed the lab. Ends what a run that was cut off
 * has left.
 */
export async function startLab(root: string, progress: Progress): Promise<LabPlace> {
  if ((await knownLab())?.kept)
    throw new Error("a lab is up already; `node .build/mesh/lab/main.js down` ends it");
  await stopLab();
  const binaries = await installBinaries(root, progress);
  const folder = await mkdtemp(join(tmpdir(), "mesh-lab-"));
  const place: LabPlace = { folder, binaries, app: join(folder, "app"), root };
  await noteLab({ place, kept: false });
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
  const stores = await startStores(place);
  progress("PostgreSQL, NATS and Redis");
  await applyEnvironment(place, stores);
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

/** Ends everything that runs in the lab's namespaces, and removes them and its folder. */
export async function stopLab(): Promise<void> {
  const networks = await ownNetworks();
  const pods = networks.filter((netns) => netns !== control);
  await Promise.all(pods.map((netns) => endProcesses(netns, "SIGKILL")));
  if (networks.includes(control)) await stopControl();
  for (const netns of networks) await removeNetwork(netns);
  const known = await knownLab();
  if (known) await rm(known.place.folder, { recursive: true, force: true });
  await forgetLab();
}

// PostgreSQL frees its shared memory when it may end by itself; etcd goes last, as the others hang without it.
async function stopControl(): Promise<void> {
  for (const id of await processesIn(control)) {
    const name = await nameOf(id);
    if (name !== "etcd") endProcess(id, name === "postgres" ? "SIGQUIT" : "SIGKILL");
  }
  const withoutDatabase = async () =>
    !(await Promise.all((await processesIn(control)).map(nameOf))).includes("postgres");
  await until("PostgreSQL ends", withoutDatabase);
  await endProcesses(control, "SIGKILL");
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
