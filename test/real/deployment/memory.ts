import type { Deployment } from "./deployment.js";

/** Resident memory of each replica in MiB, by name. */
export async function residentMemory({ replicas }: Deployment): Promise<ReadonlyMap<string, number>> {
  return new Map(
    await Promise.all(replicas.map(async (one) => [one.name, await one.residentMiB()] as const)),
  );
}

/** Such as `gateway-a 120 → 124`, in MiB. */
export function compareMemory(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): string {
  return [...before]
    .map(([name, mib]) => `${name} ${mib.toFixed(0)} → ${(after.get(name) ?? 0).toFixed(0)}`)
    .join(", ");
}

/** The most that one of them has grown, in MiB. */
export function greatestGrowth(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): number {
  return Math.max(...[...before].map(([name, mib]) => (after.get(name) ?? 0) - mib));
}
