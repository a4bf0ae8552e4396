import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { within } from "./network.js";
import { appUser, type LabPlace } from "./place.js";
import type { Load, Reply } from "./requests.js";

/** A client within one of the lab's networks, so that what it sends passes that pod's proxy. */
export interface LabCaller {
  send(load: Load): Promise<Reply[]>;
  /** Sends a request once. */
  call(load: Load): Promise<Reply>;
  close(): void;
}

/** Opens a client in a network namespace. */
export function openCaller(place: LabPlace, netns: string): LabCaller {
  const script = `${place.app}/.build/mesh/lab/client.js`;
  const child = spawn("ip", [...within(netns, appUser), process.execPath, script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const waiting = new Map<number, (replies: Reply[]) => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { id, replies } = JSON.parse(line) as { id: number; replies: Reply[] };
    waiting.get(id)?.(replies);
    waiting.delete(id);
  });
  let last = 0;
  const send = (load: Load) =>
    new Promise<Reply[]>((resolve) => {
      last += 1;
      waiting.set(last, resolve);
      child.stdin.write(`${JSON.stringify({ id: last, load })}\n`);
    });
  return { send, call: async (load) => (await send(load))[0]!, close: () => child.stdin.end() };
}
