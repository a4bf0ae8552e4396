import { readFile, writeFile } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { obstacles, startLab, startReplicas, stopLab } from "../../../mesh/lab/lab.js";
import { inLab, type LabPlace } from "../../../mesh/lab/place.js";
import { baseReplicas } from "../../../mesh/lab/replicas.js";
import compile from "../../support/compile.js";

declare module "vitest" {
  interface ProvidedContext {
    readonly place: LabPlace;
  }
}

const stateFile = "/run/consciousness-mesh-lab.json";

/** Starts the lab for all tests, or takes the one that `main.js up` left running. */
export default async function setup(project: TestProject) {
  const running = await readFile(stateFile, "utf8").catch(() => undefined);
  if (running) {
    project.provide("place", JSON.parse(running) as LabPlace);
    return undefined;
  }
  const why = await obstacles();
  if (why.length > 0) throw new Error(`the mesh lab cannot run here: ${why.join("; ")}`);
  await compile();
  const begin = Date.now();
  const progress = (step: string) => {
    process.stderr.write(`${((Date.now() - begin) / 1000).toFixed(1).padStart(7)} s  ${step}\n`);
  };
  let place: LabPlace | undefined;
  try {
    place = await startLab(project.config.root, progress);
    await startReplicas(place, baseReplicas);
    progress("replicas");
  } catch (error) {
    await stopLab(undefined);
    throw error;
  }
  project.provide("place", place);
  return async () => {
    await keepResults(place, `${project.config.root}/mesh/results.json`);
    await stopLab(place);
  };
}

/** What was measured now, over what an earlier run of other tests did. */
async function keepResults(place: LabPlace, file: string): Promise<void> {
  const read = async (path: string) => JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as object;
  const results = { ...(await read(file)), ...(await read(inLab(place, "results.json"))) };
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
}
