import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import { run } from "./commands.js";
import type { Rendered } from "./manifests.js";
import { inLab, type LabPlace } from "./place.js";

/** The pods of an environment as Istio's injector makes them: each Deployment's template with its proxy. */
export async function injectedPods(
  place: LabPlace,
  objects: readonly Rendered[],
  { cni }: { readonly cni: boolean },
): Promise<Rendered[]> {
  const deployments = objects.filter(({ kind }) => kind === "Deployment");
  const files = await writeSettings(place, cni);
  const input = inLab(place, "deployments.yaml");
  await writeFile(input, deployments.map((object) => stringify(object)).join("---\n"));
  const text = await run(join(place.binaries, "istioctl"), [
    "kube-inject",
    ...["--revision", "default", "--meshConfigFile", join(place.root, "mesh/mesh-config.yaml")],
    ...["--injectConfigFile", files.templates, "--valuesFile", files.values, "-f", input],
  ]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Rendered | null)
    .filter((object) => object !== null)
    .map(podOf);
}

function podOf({ metadata: { name, namespace }, spec }: Rendered): Rendered {
  const { metadata, spec: pod } = spec.template;
  return { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name, namespace }, spec: pod };
}

/** What Istio's chart puts into the injector's ConfigMap: its templates, and its default values but for CNI. */
async function writeSettings(place: LabPlace, cni: boolean): Promise<{ templates: string; values: string }> {
  const read = (file: string) => readFile(join(place.binaries, file), "utf8");
  const chart = parse(await read("values.yaml"))._internal_defaults_do_not_set;
  const { global, sidecarInjectorWebhook, revision, gateways, env } = chart;
  const settings = {
    values: JSON.stringify({
      ...{ global, sidecarInjectorWebhook, revision, gateways },
      pilot: { env, cni: { ...chart.cni, enabled: cni } },
    }),
    templates: stringify({
      policy: "enabled",
      defaultTemplates: ["sidecar"],
      templates: {
        sidecar: await read("injection-template.yaml"),
        gateway: await read("gateway-injection-template.yaml"),
      },
    }),
  };
  const files = { values: inLab(place, "injector.json"), templates: inLab(place, "injector.yaml") };
  await writeFile(files.values, settings.values);
  await writeFile(files.templates, settings.templates);
  return files;
}
