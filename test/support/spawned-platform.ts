import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { WorkloadName } from "../../services/kit/contract/workloads.js";
import { compiledPath } from "./compile.js";
import { patientEnvironment } from "./patient.js";
import { adminPassword } from "./platform.js";

/** Workloads that run as an operating-system process of their own. */
export interface SpawnedProcess {
  readonly pid: number;
  /** What it told the person at the terminal. */
  output(): string;
  /** Resolves with the exit code, or the signal, once it has ended. */
  readonly ended: Promise<number | string>;
  kill(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** A free loopback port for each name. */
export async function freePorts<N extends string>(names: readonly N[]): Promise<Record<N, number>> {
  const entries = await Promise.all(names.map(async (name) => [name, await freePort()] as const));
  return Object.fromEntries(entries) as Record<N, number>;
}

/** Runs `npm start -- names` from the compiled files; resolves when it is ready or has ended. */
export async function spawnPlatform(options: {
  names?: readonly WorkloadName[];
  directory: string;
  environment?: Record<string, string>;
  /** Told of each line of its log. */
  onLine?: (line: Record<string, unknown>) => void;
}): Promise<SpawnedProcess> {
  const { onLine } = options;
  const child = spawn(
    process.execPath,
    ["--enable-source-maps", compiledPath("services/main.ts"), ...(options.names ?? [])],
    {
      env: {
        PATH: process.env.PATH,
        DATA_DIR: options.directory,
        ADMIN_PASSWORD: adminPassword,
        FAST_PATH: process.env.FAST_PATH ?? "true",
        ...patientEnvironment,
        ...options.environment,
      },
      stdio: ["ignore", onLine ? "pipe" : "ignore", "pipe"],
    },
  );
  if (child.stdout && onLine) {
    createInterface({ input: child.stdout }).on("line", (line) => onLine(JSON.parse(line)));
  }
  let output = "";
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  const ready = new Promise<void>((resolve) => {
    child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (output.includes("] ready")) resolve();
    });
  });
  await Promise.race([ready, ended]);
  return { pid: child.pid!, output: () => output, ended, kill: (signal) => kill(child, ended, signal) };
}

async function kill(
  child: ChildProcess,
  ended: Promise<unknown>,
  signal: "SIGTERM" | "SIGKILL",
): Promise<void> {
  child.kill(signal);
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
