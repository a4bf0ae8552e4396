import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { apply, patchStatus, tryKubectl } from "./apiserver.js";
import { makeServerCertificate } from "./certificates.js";
import { until } from "./commands.js";
import { find, isMeshRule, type Rendered, renderOverlay } from "./manifests.js";
import { inLab, type LabPlace, namespace, outsideHost } from "./place.js";
import { collectorService, outsideObjects } from "./services.js";
import { type StoreSecrets, storeServices } from "./stores.js";

/** Password of the lab's first account. */
export const adminPassword = "a password of the lab";

/** Gives the cluster Istio's kinds of objects. */
export async function applyDefinitions(place: LabPlace): Promise<void> {
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

/** Applies the development environment as it is in the repository, with Secrets for these stores. */
export async function applyEnvironment(place: LabPlace, stores: StoreSecrets): Promise<void> {
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
  const outside = [collectorService, ...storeServices].flatMap(outsideObjects);
  await apply(place, [...outside, ...(await secrets(place, stores))]);
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

async function secrets(place: LabPlace, stores: StoreSecrets): Promise<object[]> {
  const { key, cert } = await makeServerCertificate(inLab(place, "edge"), outsideHost);
  const secret = (name: string, stringData: Record<string, string>, type = "Opaque") => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace },
    type,
    stringData,
  });
  const own: Record<string, Record<string, string>> = {
    auth: {
      ADMIN_PASSWORD: adminPassword,
      AUTH_KEY_ENCRYPTION_KEY: randomBytes(32).toString("base64"),
    },
    engine: { ENGINE_KEY_ENCRYPTION_KEY: randomBytes(32).toString("base64") },
    analytics: { ANALYTICS_SECRET: randomBytes(32).toString("base64") },
  };
  return [
    secret("edge-certificate", { "tls.crt": cert, "tls.key": key }, "kubernetes.io/tls"),
    ...[...stores].map(([name, urls]) => secret(`${name}-secrets`, { ...urls, ...own[name] })),
  ];
}
