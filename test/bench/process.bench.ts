import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { signIn } from "../support/platform.js";
import { freePorts, spawnPlatform } from "../support/spawned-platform.js";
import { cores, cpuSeconds } from "./gateway/cpu.js";
import { rounded } from "./gateway/goals.js";
import { type Load, openLoad } from "./gateway/launch.js";
import type { Bench } from "./main.js";
import type { Row } from "./rows.js";

const wanted = 10_000;
const goalMs = 10;
const warmSeconds = 5;
const inFlight = 32;
const path = "/api/v1/consciousness/process";
/** Answered from the built-in documents, so that every stage runs. */
const body = { input: "How is confidence computed?", context: { locale: "en-GB" } };

/**
 * `Process` through the whole platform as `npm start` runs it: every workload in
 * one process on one core, the database on disk, over REST. How much that core
 * can do, how long a request takes at half of it, and where the time goes.
 * `--seconds` sets how long each is measured.
 */
export const bench: Bench = async (args) => {
  const options = { seconds: { type: "string", default: "8" } } as const;
  const { values } = parseArgs({ args: [...args], options, strict: false });
  return processRows(Number(values.seconds));
};

/** The rows of the bench. */
export async function processRows(seconds = 8): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "bench-process-"));
  const ports = await freePorts(["gateway"]);
  const platform = await spawnPlatform({
    directory,
    environment: { GATEWAY_PORT: String(ports.gateway) },
  });
  const early = await Promise.race([platform.ended, undefined]);
  if (early !== undefined) throw new Error(`the platform ended with ${early}: ${platform.output()}`);
  try {
    execFileSync("taskset", ["-a", "-p", "-c", String(cores.contestant), String(platform.pid)]);
    const url = `http://127.0.0.1:${ports.gateway}`;
    const token = await signIn(url);
    const load = await openLoad({ port: ports.gateway, token, protocol: "rest", inFlight, path, body });
    await load.run({ seconds: warmSeconds });
    const measured = { load, seconds, pid: platform.pid };
    const before = await stageSeconds(url, token);
    const { perSecond, rows } = await fullLoad(measured);
    const full = await stageSeconds(url, token);
    const half = await halfLoad(measured, perSecond / 2);
    await load.stop();
    return [...rows, ...half, ...shares(before, full)];
  } finally {
    await platform.kill("SIGTERM");
    await rm(directory, { recursive: true, force: true });
  }
}

interface Measured {
  readonly load: Load;
  readonly seconds: number;
  readonly pid: number;
}

async function fullLoad({ load, seconds, pid }: Measured): Promise<{ perSecond: number; rows: Row[] }> {
  const before = cpuSeconds(pid);
  const outcome = await load.run({ seconds });
  const busy = cpuSeconds(pid) - before;
  const perSecond = outcome.requests / outcome.seconds;
  const perCall = busy / outcome.requests;
  const how = `end to end, one process on one of ${cpus().length} cores`;
  return {
    perSecond,
    rows: [
      { measure: `Process ${how}, full load`, value: rounded(perSecond), unit: "requests/s" },
      { measure: "Process failed at full load", value: outcome.errors, unit: "requests" },
      { measure: `Process, p99 with ${inFlight} in flight`, value: rounded(outcome.p99), unit: "ms" },
      { measure: "Process, CPU of one call", value: Math.round(perCall * 1e6), unit: "µs" },
      { measure: "Process, cores kept busy", value: rounded(busy / outcome.seconds), unit: "cores" },
      {
        measure: `Process, cores for ${wanted} calls/s at this cost`,
        value: rounded(perCall * wanted),
        unit: "cores",
      },
    ],
  };
}

async function halfLoad({ load, seconds }: Measured, rate: number): Promise<Row[]> {
  const { p50, p95, p99, errors } = await load.run({ seconds, rate });
  const at = "at half of the full load";
  return [
    { measure: `Process, rate ${at}`, value: rounded(rate), unit: "requests/s" },
    { measure: `Process failed ${at}`, value: errors, unit: "requests" },
    { measure: `Process, p50 ${at}`, value: rounded(p50), unit: "ms" },
    {
      measure: `Process, p95 ${at}`,
      value: rounded(p95),
      unit: "ms",
      goal: `< ${goalMs} ms`,
      met: p95 < goalMs,
    },
    { measure: `Process, p99 ${at}`, value: rounded(p99), unit: "ms" },
  ];
}

const stageSum = /^consciousness_processing_duration_seconds_sum\{.*?stage="([a-z_]+)".*?\} (\S+)$/;

/** Seconds that each stage has taken so far, of all requests together. */
async function stageSeconds(url: string, token: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`the platform answered ${response.status} for its metrics`);
  const stages = new Map<string, number>();
  for (const line of (await response.text()).split("\n")) {
    const [, stage, sum] = stageSum.exec(line) ?? [];
    if (stage !== undefined) stages.set(stage, (stages.get(stage) ?? 0) + Number(sum));
  }
  if (stages.size === 0) throw new Error("the metrics tell of no stage");
  return stages;
}

/** The share of each stage in the time of all of them. */
function shares(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): Row[] {
  const taken = [...after].map(([stage, sum]) => [stage, sum - (before.get(stage) ?? 0)] as const);
  const total = taken.reduce((sum, [, own]) => sum + own, 0);
  return taken
    .sort(([, a], [, b]) => b - a)
    .map(([stage, own]) => ({
      measure: `Process at full load, share of ${stage} in the time of its stages`,
      value: Math.round((own / total) * 1000) / 10,
      unit: "%",
    }));
}
