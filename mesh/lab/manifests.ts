import { parseAllDocuments } from "yaml";
import { run } from "./commands.js";
import { type LabPlace, overlay } from "./place.js";

/** An object of the environment, as kustomize renders it. */
export interface Rendered {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  // biome-ignore lint/suspicious/noExplicitAny: the shape depends on the kind, and the API server checks it
  [key: string]: any;
}

/**
 * Renders an overlay of the repository, the mesh's rules included. What is the
 * Prometheus Operator's is left out, since the lab has neither it nor its kinds.
 */
export async function renderOverlay(place: LabPlace, folder: string = overlay): Promise<Rendered[]> {
  const text = await run("kubectl", ["kustomize", `${place.root}/${folder}`]);
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Rendered);
  return objects.filter(({ apiVersion }) => !apiVersion.startsWith("monitoring.coreos.com/"));
}

/** The object of a kind and a name. */
export function find(objects: readonly Rendered[], kind: string, name: string): Rendered {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
}

/** Whether an object belongs to the mesh rather than to Kubernetes. */
export function isMeshRule({ apiVersion }: Rendered): boolean {
  return apiVersion.split("/")[0]!.endsWith(".istio.io");
}
