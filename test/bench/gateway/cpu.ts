import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** Cores on which contestants and load generators run apart, so that neither takes the other's time. */
export const cores = { contestant: 0, load: 1 } as const;

/** A clock tick of the kernel's accounting, in seconds. */
const tick = 1 / Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** A command that runs pinned to one core. */
export function pinned(core: number, command: readonly string[]): [string, string[]] {
  return ["taskset", ["-c", String(core), ...command]];
}

/** Seconds of CPU that a process has taken so far, in user and kernel mode, all threads together. */
export function cpuSeconds(pid: number): number {
  const [, fields = ""] = readFileSync(`/proc/${pid}/stat`, "latin1").split(/\) (?=[A-Z] )/);
  const columns = fields.split(" ");
  return (Number(columns[11]) + Number(columns[12])) * tick;
}

/** Bytes of memory that a process holds. */
export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
}
