import { readFile, rm, writeFile } from "node:fs/promises";
import { ownNetworks } from "./network.js";
import type { LabPlace } from "./place.js";

const file = "/run/consciousness-mesh-lab.json";

/** The lab that was started last on this machine. */
export interface KnownLab {
  readonly place: LabPlace;
  /** Whether it is meant to stay up. Otherwise it belongs to whoever claims the lab, and is left over when nobody does. */
  readonly kept: boolean;
}

/** Notes a lab before anything of it runs, so that it can be ended whatever becomes of us. */
export async function noteLab(lab: KnownLab): Promise<void> {
  await writeFile(file, JSON.stringify(lab), { mode: 0o600 });
}

/** The noted lab; one without networks, as after a restart of the machine, is not kept. */
export async function knownLab(): Promise<KnownLab | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const lab = JSON.parse(text) as KnownLab;
  return { ...lab, kept: lab.kept && (await ownNetworks()).length > 0 };
}

/** Forgets the lab. */
export async function forgetLab(): Promise<void> {
  await rm(file, { force: true });
}
