import { rm } from "node:fs/promises";
import { restHandler, routeProblems } from "../../services/gateway/rest.js";
import { configSource } from "../../services/kit/config.js";
import { type WorkloadName, workloads } from "../../services/kit/contract/workloads.js";
import { startProcess } from "../../services/kit/process/process.js";
import { loadWorkload } from "../../services/workloads.js";
import { freshDataDirectory } from "./data-directory.js";
import { patientEnvironment } from "./patient.js";

/** Password of the first account. */
export const adminPassword = "a password for tests";

/** The whole platform in this process, on a port of its own. */
export interface TestPlatform {
  /** Base URL of the gateway. */
  readonly url: string;
  /** Lines that the platform logged so far. */
  readonly lines: readonly Record<string, unknown>[];
  /** Lets the platform's clock run ahead. */
  advance(milliseconds: number): void;
  /** An access token of the first account. */
  signIn(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts workloads, all by default, as `npm start` does, in a fresh data directory unless one is given, which stays. */
export async function startPlatform(
  options: { names?: readonly WorkloadName[]; environment?: Record<string, string>; directory?: string } = {},
): Promise<TestPlatform> {
  const directory = options.directory ?? (await freshDataDirectory());
  const lines: Record<string, unknown>[] = [];
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead, monotonic: () => performance.now() + ahead };
  const ports = [...workloads.keys()].map((name) => [`${name.toUpperCase()}_PORT`, "0"]);
  const running = await startProcess({
    names: options.names ?? [...workloads.keys()],
    source: configSource({
      ...Object.fromEntries(ports),
      DATA_DIR: directory,
      ADMIN_PASSWORD: adminPassword,
      ...patientEnvironment,
      FAST_PATH: process.env.FAST_PATH ?? "true",
      ...options.environment,
    }),
    version: "0.0.0-test",
    clock,
    load: loadWorkload,
    rest: restHandler,
    check: routeProblems,
    destination: { write: (line: string) => void lines.push(JSON.parse(line)) },
  });
  const url = `http://127.0.0.1:${running.ports.get("gateway")}`;
  return {
    url,
    lines,
    advance(milliseconds) {
      ahead += milliseconds;
    },
    signIn: () => signIn(url),
    async stop() {
      await running.stop();
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
    },
  };
}

/** An access token of the first account, from a platform at `url`. */
export async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "admin", password: adminPassword }),
  });
  const { tokens } = (await response.json()) as { tokens: { access_token: string } };
  return tokens.access_token;
}
