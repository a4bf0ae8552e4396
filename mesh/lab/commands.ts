import { type SpawnOptions, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

/** How a command ended. */
export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a command gets. */
export interface CommandOptions {
  readonly input?: string;
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Runs a command to its end, whatever its exit code. */
export function attempt(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Output> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.folder, env: options.environment, stdio: "pipe" });
    const texts = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => (texts.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => (texts.stderr += chunk));
    child.stdin.on("error", () => undefined).end(options.input ?? "");
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, ...texts }));
  });
}

/** Runs a command to its end and returns what it wrote; throws when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args, options);
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${(stderr || stdout).slice(-2000)}`);
  }
  return stdout;
}

/** A command that goes on by itself. */
export interface Started {
  readonly id: number;
  /** File of what it writes. */
  readonly log: string;
}

/** Whether a process of ours goes on. */
export function isRunning(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

/** Starts a command that goes on by itself, with its output in a file. */
export function start(
  command: string,
  args: readonly string[],
  options: CommandOptions & { readonly log: string },
): Started {
  const file = openSync(options.log, "a");
  const settings: SpawnOptions = { cwd: options.folder, env: options.environment, detached: true };
  const child = spawn(command, args, { ...settings, stdio: ["ignore", file, file] });
  closeSync(file);
  child.on("error", () => undefined);
  child.unref();
  if (child.pid === undefined) throw new Error(`${command} did not start`);
  return { id: child.pid, log: options.log };
}

/** Repeats `check` until it holds; throws, with `what`, after `timeoutMs`. */
export async function until(
  what: string,
  check: () => Promise<boolean>,
  { timeoutMs = 30_000, intervalMs = 100 } = {},
): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  throw new Error(`${what}: not within ${timeoutMs} ms`);
}
