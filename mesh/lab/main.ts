import { packageRoot } from "../../services/kit/package-root.js";
import { apply } from "./apiserver.js";
import { installBinaries } from "./binaries.js";
import { claimLab } from "./claim.js";
import { startLab, startReplicas, stopLab } from "./lab.js";
import { isMeshRule, renderOverlay } from "./manifests.js";
import { timedProgress } from "./progress.js";
import { knownLab, noteLab } from "./record.js";
import { baseReplicas } from "./replicas.js";
import { obstacles, prepareTools } from "./tools.js";

const commands: Readonly<Record<string, () => Promise<void>>> = {
  /** Installs and builds what the lab runs. */
  prepare: async () => {
    if (process.getuid?.() !== 0) throw new Error("preparing the lab needs root");
    const progress = timedProgress();
    try {
      await prepareTools(packageRoot(), progress.step);
      await installBinaries(packageRoot(), progress.step);
      progress.step("everything is there");
    } finally {
      progress.end();
    }
  },
  /** Starts a lab that stays up. */
  up: () => claimed(up),
  /** Gives the lab the mesh's rules as they are now. */
  apply: async () => {
    const known = await knownLab();
    if (!known?.kept) throw new Error("no lab is up");
    await apply(known.place, (await renderOverlay(known.place)).filter(isMeshRule));
  },
  /** Ends the lab, or what is left of one. */
  down: () => claimed(stopLab),
};

async function claimed(work: () => Promise<void>): Promise<void> {
  const release = await claimLab();
  try {
    await work();
  } finally {
    release();
  }
}

async function up(): Promise<void> {
  const why = await obstacles(packageRoot());
  if (why.length > 0) throw new Error(`the lab cannot run here: ${why.join("; ")}; \`prepare\` installs it`);
  const progress = timedProgress();
  try {
    const place = await startLab(packageRoot(), progress.step);
    const pods = await startReplicas(place, baseReplicas);
    await noteLab({ place, kept: true });
    progress.step("replicas");
    const lines = pods.map(({ name, address, netns }) => `${name} ${address} ${netns}`);
    process.stdout.write(`${lines.join("\n")}\n${place.folder}\n`);
  } finally {
    progress.end();
  }
}

async function main([command = ""]: readonly string[]): Promise<void> {
  const run = commands[command];
  if (!run) throw new Error(`usage: ${Object.keys(commands).join(" | ")}`);
  await run();
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
