import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { attempt, type Output, run, start, until } from "./commands.js";
import { within } from "./network.js";
import { control, controlAddress, inLab, type LabPlace, serviceRange } from "./place.js";

/** Starts etcd and a kube-apiserver, without scheduler, controllers or kubelets; resolves when it is ready. */
export async function startApiserver(place: LabPlace): Promise<void> {
  const folder = inLab(place, "kubernetes");
  await mkdir(folder, { recursive: true });
  const admin = randomBytes(16).toString("hex");
  const secret = { mode: 0o600 };
  await run("openssl", ["genrsa", "-out", "sa.key", "2048"], { folder });
  await writeFile(`${folder}/tokens.csv`, `${admin},admin,admin,system:masters\n`, secret);
  await writeFile(`${folder}/kubeconfig`, JSON.stringify(kubeconfig(admin)), secret);
  const etcd = "http://127.0.0.1:2379";
  const etcdFlags = [
    "--listen-client-urls",
    etcd,
    "--advertise-client-urls",
    etcd,
    "--listen-peer-urls",
    "http://127.0.0.1:2380",
  ];
  start("ip", [...within(control), "etcd", "--data-dir", "etcd", ...etcdFlags, "--unsafe-no-fsync"], {
    folder,
    environment: process.env,
    log: `${folder}/etcd.log`,
  });
  const issuer = "https://kubernetes.default.svc";
  const flags = {
    "etcd-servers": etcd,
    "cert-dir": "certificates",
    "bind-address": controlAddress,
    "advertise-address": controlAddress,
    "secure-port": "6443",
    "service-account-key-file": "sa.key",
    "service-account-signing-key-file": "sa.key",
    "service-account-issuer": issuer,
    "api-audiences": `${issuer},istio-ca`,
    "token-auth-file": "tokens.csv",
    "authorization-mode": "RBAC",
    "service-cluster-ip-range": serviceRange,
  };
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  start("ip", [...within(control), `${place.binaries}/kube-apiserver`, ...args], {
    folder,
    environment: process.env,
    log: `${folder}/apiserver.log`,
  });
  await until(
    "kube-apiserver is ready",
    async () => (await tryKubectl(place, ["get", "--raw", "/readyz"])).code === 0,
    {
      timeoutMs: 90_000,
      intervalMs: 250,
    },
  );
}

function kubeconfig(token: string) {
  const server = `https://${controlAddress}:6443`;
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "lab",
    contexts: [{ name: "lab", context: { cluster: "lab", user: "admin" } }],
    users: [{ name: "admin", user: { token } }],
    clusters: [{ name: "lab", cluster: { server, "certificate-authority": "certificates/apiserver.crt" } }],
  };
}

/** Runs kubectl as administrator of the lab's cluster; throws when it fails. */
export async function kubectl(place: LabPlace, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await tryKubectl(place, args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${code}:\n${stderr.slice(-4000)}`);
  return stdout;
}

/** The same, whatever its exit code. */
export function tryKubectl(place: LabPlace, args: readonly string[], input?: string): Promise<Output> {
  const folder = inLab(place, "kubernetes");
  return attempt("ip", [...within(control), "kubectl", `--kubeconfig=${folder}/kubeconfig`, ...args], {
    folder,
    environment: { PATH: process.env.PATH, HOME: folder },
    ...(input === undefined ? {} : { input }),
  });
}

/** Applies objects with the strictest validation that the server has. */
export async function apply(
  place: LabPlace,
  objects: readonly object[],
  more: readonly string[] = [],
): Promise<void> {
  const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  await kubectl(
    place,
    ["apply", "--server-side", "--force-conflicts", "--validate=strict", ...more, "-f", "-"],
    list,
  );
}

/** Writes the status of an object, which controllers and kubelets would. */
export async function patchStatus(
  place: LabPlace,
  kind: string,
  name: string,
  namespace: string,
  status: object,
): Promise<void> {
  const patch = JSON.stringify({ status });
  await kubectl(place, [
    "-n",
    namespace,
    "patch",
    kind,
    name,
    "--subresource=status",
    "--type=merge",
    "-p",
    patch,
  ]);
}
