import { mkdir } from "node:fs/promises";
import { tryKubectl } from "./apiserver.js";
import { attempt, start, until } from "./commands.js";
import { within } from "./network.js";
import { control, inLab, type LabPlace, namespace } from "./place.js";

/** Istio's own additions to Envoy, which the plain Envoy of the lab lacks. */
const withoutExtensions = {
  PILOT_ENABLE_METADATA_EXCHANGE: "false",
  PILOT_ENABLE_ALPN_FILTER: "false",
  PILOT_DISABLE_MX_ALPN: "true",
  PILOT_ENABLE_AMBIENT: "false",
  PILOT_ENABLE_GATEWAY_API: "false",
};

const monitoring = "127.0.0.1:15014";

/** Starts istiod on the lab's cluster; resolves when it answers proxies. */
export async function startIstiod(place: LabPlace): Promise<void> {
  const folder = inLab(place, "istiod");
  await mkdir(folder, { recursive: true });
  const args = [
    "discovery",
    "--registries=Kubernetes",
    `--kubeconfig=${inLab(place, "kubernetes", "kubeconfig")}`,
    `--meshConfig=${place.root}/mesh/mesh-config.yaml`,
    "--clusterID=Kubernetes",
    "--httpAddr=127.0.0.1:8080",
    "--httpsAddr=",
    `--monitoringAddr=${monitoring}`,
    "--ctrlz_port=0",
    "--shutdownDuration=1s",
  ];
  start("ip", [...within(control), `${place.binaries}/pilot-discovery`, ...args], {
    folder,
    environment: {
      PATH: process.env.PATH,
      HOME: folder,
      POD_NAME: "istiod-0",
      POD_NAMESPACE: "istio-system",
      REVISION: "default",
      ENABLE_CA_SERVER: "true",
      ROOT_CA_DIR: inLab(place, "authority"),
      PILOT_CERT_PROVIDER: "istiod",
      PILOT_JWT_ENABLE_REMOTE_JWKS: "envoy",
      ...withoutExtensions,
    },
    log: inLab(place, "istiod.log"),
  });
  const rootCertificate = ["-n", namespace, "get", "configmap", "istio-ca-root-cert"];
  await until(
    "istiod listens",
    async () =>
      (await attempt("ip", [...within(control), "bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/15012"])).code ===
      0,
  );
  await until(
    "istiod publishes its root certificate",
    async () => (await tryKubectl(place, rootCertificate)).code === 0,
  );
}

/** How many configurations proxies have rejected since istiod started. */
export async function rejectedConfigurations(): Promise<number> {
  const { stdout } = await attempt("ip", [...within(control), "curl", "-sf", `http://${monitoring}/metrics`]);
  const lines = stdout
    .split("\n")
    .filter((line) => /^pilot_total_xds_rejects|^pilot_xds_(cds|lds|rds|eds)_reject/.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
