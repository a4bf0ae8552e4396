import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { workloads } from "../../../services/kit/contract/workloads.js";
import { freshDataDirectory } from "../../support/data-directory.js";
import { signIn } from "../../support/platform.js";
import { restClient } from "../../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../../support/spawned-platform.js";
import { natsInstalled, startNats } from "../servers/nats.js";
import { until } from "../servers/process-tree.js";
import { installed, type Server } from "../servers/server.js";
import { type Monitoring, startMonitoring, type Told } from "./monitored.js";

const tools = ["prometheus", "prometheus-alertmanager"].map(installed);
/** An hour is a minute, five minutes are five seconds. */
const factor = 1 / 60;
const metricsToken = "the-scraper-of-tests";

describe.skipIf(!natsInstalled || tools.includes(false))("a running system that is watched", () => {
  let nats: Server;
  let agents: SpawnedProcess;
  let others: SpawnedProcess;
  let monitoring: Monitoring;
  let rest: ReturnType<typeof restClient>;
  let stopAsking: () => Promise<void>;
  const directories: string[] = [];

  beforeAll(async () => {
    nats = await startNats();
    const names = [...workloads.keys()];
    const ports = await freePorts(names);
    const addresses = names.flatMap((name) => [
      [`${name.toUpperCase()}_PORT`, `${ports[name]}`],
      [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${ports[name]}`],
    ]);
    const environment = {
      ...Object.fromEntries(addresses),
      PEER_SECRET: "p".repeat(32),
      METRICS_TOKEN: metricsToken,
      NATS_URL: `nats://127.0.0.1:${nats.port}`,
    };
    const spawn = async (running: typeof names) => {
      const directory = await freshDataDirectory();
      directories.push(directory);
      return spawnPlatform({ names: running, directory, environment });
    };
    [agents, others] = await Promise.all([
      spawn(["agents"]),
      spawn(names.filter((name) => name !== "agents")),
    ]);
    const url = `http://127.0.0.1:${ports.gateway}`;
    rest = restClient(url, await signIn(url));
    const target = (name: (typeof names)[number]) => [`127.0.0.1:${ports[name]}`];
    monitoring = await startMonitoring({
      targets: { gateway: target("gateway"), engine: target("engine"), agents: target("agents") },
      token: metricsToken,
      factor,
    });
    stopAsking = keepAsking(() => rest("GET", "/api/v1/agents"));
  });

  afterAll(async () => {
    await stopAsking?.();
    await monitoring?.stop();
    await Promise.all([agents, others].map((one) => one?.kill("SIGKILL")));
    await nats?.stop();
    await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })));
  });

  const matches = (status: Told["status"], wanted: Readonly<Record<string, string>>) => (one: Told) =>
    one.status === status && Object.entries(wanted).every(([name, value]) => one.labels[name] === value);
  /** Waits until a receiver is told of the alert after `since` notifications. */
  const isTold = async (status: Told["status"], wanted: Readonly<Record<string, string>>, since = 0) => {
    const found = () => monitoring.told.slice(since).find(matches(status, wanted));
    const problems = await monitoring.problems();
    await until(() => found() !== undefined, {
      ms: 100_000,
      why: () => `${JSON.stringify(monitoring.told)} ${problems}`,
    });
    return found()?.receiver;
  };

  it("is read by Prometheus, and tells nobody of anything while all is well", async () => {
    const well =
      'count(up == 1) == 3 and on () job:slo_errors_per_event:ratio_rate5m{slo="availability",job="gateway"} == 0';
    let problems = "";
    const isWell = async () => {
      problems = await monitoring.problems();
      return (await monitoring.query(well)).length === 1;
    };
    await until(isWell, { ms: 60_000, why: () => problems });
    expect(monitoring.told.filter(({ labels }) => labels.severity === "page")).toEqual([]);
  });

  it("sends a page when calls begin to fail, and says so when they no longer do", async () => {
    const burn = { alertname: "ErrorBudgetBurn", slo: "availability", job: "gateway", severity: "page" };
    const down = { alertname: "WorkloadDown", job: "agents" };
    process.kill(agents.pid, "SIGSTOP");
    expect(await isTold("firing", burn)).toBe("page");
    expect(await isTold("firing", down)).toBe("page");
    const since = monitoring.told.length;
    process.kill(agents.pid, "SIGCONT");
    expect(await isTold("resolved", down, since)).toBe("page");
    expect(await isTold("resolved", burn, since)).toBe("page");
    expect((await rest("GET", "/api/v1/agents")).status).toBe(200);
  });

  it("opens a ticket when a dependency stops that it serves without, and closes it when that is there again", async () => {
    const away = { alertname: "DependencyAway", workload: "engine", dependency: "events" };
    await nats.kill();
    expect(await isTold("firing", away)).toBe("ticket");
    const since = monitoring.told.length;
    await nats.restart();
    expect(await isTold("resolved", away, since)).toBe("ticket");
  });
});

/** Asks four times at once, again and again, until it is told to stop; what fails is part of the test. */
function keepAsking(ask: () => Promise<unknown>): () => Promise<void> {
  const stopped = new AbortController();
  const asking = Array.from({ length: 4 }, async () => {
    while (!stopped.signal.aborted) {
      await ask().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  return async () => {
    stopped.abort();
    await Promise.all(asking);
  };
}
