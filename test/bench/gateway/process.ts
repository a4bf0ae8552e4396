import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { signIn } from "../../support/platform.js";
import { freePorts, spawnPlatform } from "../../support/spawned-platform.js";
import type { Row } from "../rows.js";
import { cpuSeconds } from "./cpu.js";
import { rounded } from "./goals.js";
import { openLoad } from "./launch.js";

const wanted = 10_000;
const warmSeconds = 5;
const seconds = 8;
const path = "/api/v1/consciousness/process";
const body = {
  input: "Please summarise how we protect the data of the people who take part in the pilot.",
  context: { locale: "en-GB" },
};

/** `Process` through the whole platform as `npm start` runs it: every workload in one process, the database on disk. */
export async function processRows(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "bench-process-"));
  const ports = await freePorts(["gateway"]);
  const platform = await spawnPlatform({
    directory,
    environment: { GATEWAY_PORT: String(ports.gateway) },
  });
  const early = await Promise.race([platform.ended, undefined]);
  if (early !== undefined) throw new Error(`the platform ended with ${early}: ${platform.output()}`);
  try {
    const token = await signIn(`http://127.0.0.1:${ports.gateway}`);
    const load = await openLoad({ port: ports.gateway, token, protocol: "rest", inFlight: 32, path, body });
    await load.run({ seconds: warmSeconds });
    const before = cpuSeconds(platform.pid);
    const outcome = await load.run({ seconds });
    const busy = cpuSeconds(platform.pid) - before;
    await load.stop();
    const perCall = busy / outcome.requests;
    const how = `end to end, one process, ${cpus().length} cores shared with the load`;
    return [
      {
        measure: `Process ${how}`,
        value: Math.round(outcome.requests / outcome.seconds),
        unit: "requests/s",
      },
      { measure: "Process failed", value: outcome.errors, unit: "requests" },
      { measure: "Process, p99 with 32 in flight", value: rounded(outcome.p99), unit: "ms" },
      { measure: "Process, CPU of one call", value: Math.round(perCall * 1e6), unit: "µs" },
      { measure: "Process, cores kept busy", value: rounded(busy / outcome.seconds), unit: "cores" },
      {
        measure: `Process, cores for ${wanted} calls/s at this cost`,
        value: rounded(perCall * wanted),
        unit: "cores",
      },
    ];
  } finally {
    await platform.kill("SIGTERM");
    await rm(directory, { recursive: true, force: true });
  }
}
