import { readFile, writeFile } from "node:fs/promises";
import type { TestProject } from "vitest/node";
import { claimLab } from "../../../mesh/lab/claim.js";
import { startLab, startReplicas, stopLab } from "../../../mesh/lab/lab.js";
import { inLab, type LabPlace } from "../../../mesh/lab/place.js";
import { timedProgress } from "../../../mesh/lab/progress.js";
import { knownLab } from "../../../mesh/lab/record.js";
import { baseReplicas } from "../../../mesh/lab/replicas.js";
import { obstacles } from "../../../mesh/lab/tools.js";
import compile from "../../support/compile.js";

declare module "vitest" {
  interface ProvidedContext {
    readonly place: LabPlace;
  }
}

/** Starts the lab for all tests, or takes the one that `main.js up` left running. */
export default async function setup(project: TestProject) {
  const release = await claimLab();
  const known = await knownLab();
  if (known?.kept) {
    project.provide("place", known.place);
    return release;
  }
  try {
    const place = await freshLab(project.config.root);
    project.provide("place", place);
    return async () => {
      await keepResults(place, `${project.config.root}/mesh/results.json`);
      await stopLab();
      release();
    };
  } catch (error) {
    await stopLab();
    release();
    throw error;
  }
}

async function freshLab(root: string): Promise<LabPlace> {
  const why = await obstacles(root);
  if (why.length > 0) throw new Error(`the mesh lab cannot run here: ${why.join("; ")}`);
  await compile();
  const progress = timedProgress();
  try {
    const place = await startLab(root, progress.step);
    await startReplicas(place, baseReplicas);
    progress.step("replicas");
    return place;
  } finally {
    progress.end();
  }
}

/** What was measured now, over what an earlier run of other tests did. */
async function keepResults(place: LabPlace, file: string): Promise<void> {
  const read = async (path: string) => JSON.parse(await readFile(path, "utf8").catch(() => "{}")) as object;
  const results = { ...(await read(file)), ...(await read(inLab(place, "results.json"))) };
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
}
