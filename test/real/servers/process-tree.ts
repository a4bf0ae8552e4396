import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Whom a server runs as: some refuse to run as root. */
export interface ProcessUser {
  readonly uid?: number;
  readonly gid?: number;
}

/** A user that is not root: the named one when root asks, else whoever asks. */
export function unprivileged(name: string): ProcessUser {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** A fresh directory of the user's. */
export async function freshDirectory(name: string, { uid, gid }: ProcessUser = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), `${name}-`));
  if (uid !== undefined && gid !== undefined) await chown(directory, uid, gid);
  return directory;
}

export function removeDirectory(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true });
}

/** A server that is a process with children, which tests stop, hang and kill together. */
export interface ProcessTree {
  readonly pid: number;
  /** Everything it said, for failures. */
  output(): string;
  running(): boolean;
  /** Stops it and its children as if the machine hung. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it and its children at once. */
  kill(): Promise<void>;
  /** Ends it as `signal` does. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a server; `env` is added to the test's environment. */
export function startTree(
  program: string,
  args: readonly string[],
  options: ProcessUser & { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): ProcessTree {
  const { env, ...rest } = options;
  const child = spawn(program, args, {
    ...rest,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  const hear = (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-64_000);
  };
  child.stdout.on("data", hear);
  child.stderr.on("data", hear);
  child.on("error", (error) => hear(Buffer.from(error.message)));
  const pid = child.pid ?? -1;
  return {
    pid,
    output: () => said,
    running: () => isRunning(child),
    async pause() {
      signalAll([pid], "SIGSTOP");
      signalAll(await descendants(pid), "SIGSTOP");
    },
    async resume() {
      signalAll([...(await descendants(pid)), pid], "SIGCONT");
    },
    async kill() {
      const all = [pid, ...(await descendants(pid))];
      signalAll(all, "SIGKILL");
      await exited(child);
      await until(() => !all.some(exists));
    },
    async stop(signal = "SIGTERM") {
      if (isRunning(child)) child.kill(signal);
      await exited(child);
    },
  };
}

/** Tries again until `condition` holds; throws after `ms`, with what `why` says. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  { ms = 30_000, why = () => "" }: { readonly ms?: number; readonly why?: () => string } = {},
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain. ${why()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function exited(child: ChildProcess): Promise<void> {
  if (isRunning(child)) await once(child, "exit");
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-axo", "pid=,ppid="]);
  const pairs = stdout.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  const childrenOf = (parent: number): number[] =>
    pairs.filter(([, ppid]) => ppid === parent).flatMap(([child = 0]) => [child, ...childrenOf(child)]);
  return childrenOf(pid);
}
