import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../services/auth/config.js";
import { createPasswords } from "../../services/auth/domain/passwords.js";
import { restHandler, routeProblems } from "../../services/gateway/rest.js";
import { configSource } from "../../services/kit/config.js";
import { startProcess } from "../../services/kit/process/process.js";
import { loadWorkload } from "../../services/workloads.js";
import { median, type Row } from "./rows.js";

const rounds = 5;
const perRound = 20;
const callers = 4;
/** Of the account `admin`. */
export const password = "a password for benches";
const environment = { RATE_SIGN_IN_PER_MINUTE: "1000000", LOG_LEVEL: "error" };

/**
 * Sign-ins of a whole platform in this process on its embedded database, at the
 * configured bound of password checks at once, beside bare checks at the same
 * bound: what waits more does not make it work more.
 */
export async function signingIn(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const checks of [1, 2]) rows.push(await signingInAt(checks));
  return rows;
}

async function signingInAt(checks: number): Promise<Row> {
  const settings = { AUTH_PASSWORD_CHECKS: String(checks) };
  const platform = await startAuth(settings);
  const bare = await bareCheck(settings);
  const signIn = () => signInOnce(platform.url);
  await perSecond(signIn);
  const signIns: number[] = [];
  const bareChecks: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    signIns.push(await perSecond(signIn));
    bareChecks.push(await perSecond(bare));
  }
  await platform.stop();
  return {
    measure: `sign-ins, ${checks} password ${checks === 1 ? "check" : "checks"} at once`,
    value: Math.round(median(signIns) * 10) / 10,
    unit: "/s",
    ratio: median(signIns) / median(bareChecks),
    to: "bare checks",
  };
}

/** Auth behind a gateway in this process, with settings besides what a bench needs. */
export async function startAuth(settings: Record<string, string>) {
  const directory = await mkdtemp(join(tmpdir(), "sign-ins-"));
  const running = await startProcess({
    names: ["auth", "gateway"],
    source: configSource({
      AUTH_PORT: "0",
      GATEWAY_PORT: "0",
      DATA_DIR: directory,
      ADMIN_PASSWORD: password,
      PEER_SECRET: "what workloads without a mesh prove themselves by",
      ...environment,
      ...settings,
    }),
    version: "0.0.0-bench",
    load: loadWorkload,
    rest: restHandler,
    check: routeProblems,
    destination: { write: () => undefined },
  });
  return {
    url: `http://127.0.0.1:${running.ports.get("gateway")}`,
    async stop() {
      await running.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function bareCheck(settings: Record<string, string>) {
  const passwords = await createPasswords(readConfig(configSource(settings)).passwords);
  const stored = await passwords.hash(password);
  return () => passwords.matches(password, stored, new AbortController().signal);
}

async function signInOnce(url: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ username: "admin", password: password }),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`a sign-in failed: ${text}`);
}

/** How often the work is done in a second by callers that wait for it. */
async function perSecond(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let left = perRound;
  const caller = async () => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return perRound / ((performance.now() - start) / 1000);
}
