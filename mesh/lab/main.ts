import { readFile, rm, writeFile } from "node:fs/promises";
import { packageRoot } from "../../services/kit/package-root.js";
import { apply } from "./apiserver.js";
import { obstacles, startLab, startReplicas, stopLab } from "./lab.js";
import { isMeshRule, renderOverlay } from "./manifests.js";
import type { LabPlace } from "./place.js";
import { baseReplicas } from "./replicas.js";

const stateFile = "/run/consciousness-mesh-lab.json";

/** `up` starts a lab with a few replicas, `apply` gives it the rules as they are now, `down` ends it. */
async function main([command]: readonly string[]): Promise<void> {
  if (command === "up") await up();
  else if (command === "apply") await applyMesh();
  else if (command === "down") await down();
  else throw new Error("usage: up | apply | down");
}

async function up(): Promise<void> {
  const why = await obstacles();
  if (why.length > 0) throw new Error(`the lab cannot run here: ${why.join("; ")}`);
  const place = await startLab(packageRoot(), timed());
  await writeFile(stateFile, JSON.stringify(place), { mode: 0o600 });
  const pods = await startReplicas(place, baseReplicas);
  const lines = pods.map(({ name, address, netns }) => `${name} ${address} ${netns}`);
  process.stdout.write(`${lines.join("\n")}\n${place.folder}\n`);
}

async function applyMesh(): Promise<void> {
  const place = JSON.parse(await readFile(stateFile, "utf8")) as LabPlace;
  await apply(place, (await renderOverlay(place)).filter(isMeshRule));
}

async function down(): Promise<void> {
  const state = await readFile(stateFile, "utf8").catch(() => undefined);
  await rm(stateFile, { force: true });
  await stopLab(state === undefined ? undefined : (JSON.parse(state) as LabPlace));
}

function timed() {
  let last = Date.now();
  return (step: string) => {
    process.stderr.write(`${((Date.now() - last) / 1000).toFixed(1).padStart(6)} s  ${step}\n`);
    last = Date.now();
  };
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
