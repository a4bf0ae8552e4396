import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { run, until } from "./commands.js";
import { control, controlAddress, netnsPrefix } from "./place.js";

const bridge = "br0";

/** Makes the control namespace with a bridge that leads nowhere else. */
export async function makeControlNetwork(): Promise<void> {
  await makeNamespace(control);
  await run("ip", ["-n", control, "link", "add", bridge, "type", "bridge"]);
  await run("ip", ["-n", control, "addr", "add", `${controlAddress}/24`, "dev", bridge]);
  await run("ip", ["-n", control, "link", "set", bridge, "up"]);
}

/** Makes the network namespace of a pod, on the bridge. */
export async function makePodNetwork(netns: string, address: string): Promise<void> {
  const cable = `v${address.split(".").at(-1)}`;
  await makeNamespace(netns);
  await run("ip", [
    "-n",
    control,
    "link",
    "add",
    cable,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    netns,
  ]);
  await run("ip", ["-n", control, "link", "set", cable, "master", bridge, "up"]);
  await run("ip", ["-n", netns, "addr", "add", `${address}/24`, "dev", "eth0"]);
  await run("ip", ["-n", netns, "link", "set", "eth0", "up"]);
  await run("ip", ["-n", netns, "route", "add", "default", "via", controlAddress]);
}

/** Says which names a namespace resolves; there is no DNS in the lab. */
export async function writeHosts(netns: string, hosts: ReadonlyMap<string, string>): Promise<void> {
  const lines = [...hosts].map(([name, address]) => `${address} ${name}\n`);
  // In place: the file is mounted into what already runs there.
  await writeFile(`/etc/netns/${netns}/hosts`, ["127.0.0.1 localhost\n", ...lines].join(""));
}

/** Removes a namespace in which nothing runs any more. */
export async function removeNetwork(netns: string): Promise<void> {
  await run("ip", ["netns", "del", netns]);
  await rm(`/etc/netns/${netns}`, { recursive: true, force: true });
}

/** Names of the lab's namespaces that there are. */
export async function ownNetworks(): Promise<string[]> {
  const names = (await run("ip", ["netns", "list"])).split("\n").map((line) => line.split(" ")[0]!);
  return names.filter((name) => name.startsWith(netnsPrefix));
}

/** Ids of the processes in a namespace. */
export async function processesIn(netns: string): Promise<number[]> {
  const ids = await run("ip", ["netns", "pids", netns]).catch(() => "");
  return ids.split("\n").filter(Boolean).map(Number);
}

/** Signals every process of one of our namespaces and waits until none is left. */
export async function endProcesses(netns: string, signal: NodeJS.Signals): Promise<void> {
  await until(`processes of ${netns} end`, async () => {
    const ids = await processesIn(netns);
    // Again, as one may have started another meanwhile.
    for (const id of ids) endProcess(id, signal);
    return ids.length === 0;
  });
}

/** Signals a process, unless it ended by itself meanwhile. */
export function endProcess(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(id, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Name of a process; empty when it has ended. */
export async function nameOf(id: number): Promise<string> {
  return (await readFile(`/proc/${id}/comm`, "utf8").catch(() => "")).trim();
}

/** The words before a command that runs in a namespace, as a user when one is given. */
export function within(netns: string, user?: string): string[] {
  const as = user === undefined ? [] : ["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"];
  return ["netns", "exec", netns, ...as];
}

async function makeNamespace(netns: string): Promise<void> {
  await run("ip", ["netns", "add", netns]);
  await run("ip", ["-n", netns, "link", "set", "lo", "up"]);
  await mkdir(`/etc/netns/${netns}`, { recursive: true });
  await writeFile(`/etc/netns/${netns}/resolv.conf`, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
  await writeHosts(netns, new Map());
}
