import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { packageRoot } from "../../../services/kit/package-root.js";
import { accepts } from "../../support/accepts.js";
import { cores, pinned } from "./cpu.js";
import type { Burst, Outcome, Target } from "./load/generator.js";
import type { Order, Profiled, Told } from "./servers/orders.js";

const readyMs = 90_000;

/** A contestant that listens. */
export interface Running extends Told {
  readonly pid: number;
  /** Profiles it for a while; contestants in Node alone can. */
  profile?(milliseconds: number): Promise<Profiled["profile"]>;
  stop(): Promise<void>;
}

/** Starts one of the contestants in `servers/main.ts`. */
export async function startNode(
  name: string,
  argument = "",
  options: readonly string[] = [],
): Promise<Running> {
  const command = [process.execPath, ...options, compiled("servers/main.js"), name, argument];
  const child = spawn(...pinned(cores.contestant, command), {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const told = await answerOf<Told>(child, name);
  return {
    ...told,
    pid: child.pid!,
    async profile(milliseconds) {
      const order: Order = { profileMs: milliseconds };
      child.send(order);
      return (await answerOf<Profiled>(child, name)).profile;
    },
    stop: () => end(child),
  };
}

/** Starts a program that prints `port N` once it listens. */
export async function startProgram(command: readonly string[]): Promise<Running> {
  const child = spawn(...pinned(cores.contestant, command), { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  const port = await within(
    new Promise<number>((resolve, reject) => {
      child.once("exit", () => reject(new Error(`${command[0]} ended before it listened`)));
      child.stdout!.setEncoding("utf8").on("data", (chunk: string) => {
        output += chunk;
        const printed = /^port (\d+)$/m.exec(output)?.[1];
        if (printed) resolve(Number(printed));
      });
    }),
    `${command[0]} listens`,
  );
  return { port, pid: child.pid!, stop: () => end(child) };
}

/** Starts a program that listens on a port it is told. */
export async function startOnPort(command: readonly string[], port: number): Promise<Running> {
  const child = spawn(...pinned(cores.contestant, command), { stdio: ["ignore", "ignore", "ignore"] });
  await within(accepted(port, child), `${command[0]} listens`);
  return { port, pid: child.pid!, stop: () => end(child) };
}

async function accepted(port: number, child: ChildProcess): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error("it ended before it listened");
    if (await accepts(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A load generator whose connections are open. */
export interface Load {
  run(burst: Burst): Promise<Outcome>;
  stop(): Promise<void>;
}

/** Opens connections to a contestant, from a process of their own. */
export async function openLoad(target: Target): Promise<Load> {
  const command = [process.execPath, compiled("load/generator.js")];
  const child = spawn(...pinned(cores.load, command), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.send(target);
  await answerOf(child, "the load generator");
  return {
    async run(burst) {
      child.send(burst);
      return answerOf<Outcome>(child, "the load generator", burst.seconds * 1000 + readyMs);
    },
    stop: () => end(child),
  };
}

/** Path of a compiled file of this folder. */
export function compiled(path: string): string {
  return join(packageRoot(), ".build/test/bench/gateway", path);
}

async function answerOf<T>(child: ChildProcess, name: string, milliseconds = readyMs): Promise<T> {
  const over = new AbortController();
  const told = once(child, "message", over).then(([message]) => message as T);
  const ended = once(child, "exit", over).then(() => {
    throw new Error(`${name} ended without an answer`);
  });
  try {
    return await within(Promise.race([told, ended]), `${name} answers`, milliseconds);
  } finally {
    for (const one of [told, ended]) one.catch(() => undefined);
    over.abort();
  }
}

async function within<T>(work: Promise<T>, what: string, milliseconds = readyMs): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`gave up waiting until ${what}`)), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}
