import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type WorkloadName, workloads } from "../../services/kit/contract/workloads.js";
import { startCollector } from "../support/collector.js";
import { signIn } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../support/spawned-platform.js";
import { treeOf } from "../support/traces.js";
import { type Dependencies, startDependencies } from "./deployment/dependencies.js";
import { platformInstalled } from "./deployment/platform.js";

const clientSpan = "00f067aa0ba902b7";
const metricsToken = "token-for-scrapes";
const names = [...workloads.keys()];

describe.skipIf(!platformInstalled)("over a process for each workload", () => {
  let servers: Dependencies;
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let directory: string;
  let urls: Record<WorkloadName, string>;
  let rest: ReturnType<typeof restClient>;
  const processes = new Map<WorkloadName, SpawnedProcess>();
  const lines: Record<string, unknown>[] = [];

  beforeAll(async () => {
    [servers, collector] = await Promise.all([startDependencies(), startCollector()]);
    directory = await mkdtemp(join(tmpdir(), "traced-"));
    const ports = await freePorts(names);
    urls = Object.fromEntries(names.map((name) => [name, `http://127.0.0.1:${ports[name]}`])) as typeof urls;
    const addresses = names.flatMap((name) => [
      [`${name.toUpperCase()}_URL`, urls[name]],
      [`${name.toUpperCase()}_PORT`, `${ports[name]}`],
    ]);
    const environment = {
      ...servers.environment,
      ...Object.fromEntries(addresses),
      PEER_SECRET: "between the processes of the tests",
      AUTH_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
      ENGINE_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64"),
      ANALYTICS_SECRET: Buffer.alloc(32, 9).toString("base64"),
      METRICS_TOKEN: metricsToken,
      TRACE_EXPORTER: "otlp",
      TRACE_ENDPOINT: collector.url,
    };
    const onLine = (line: Record<string, unknown>) => void lines.push(line);
    const spawned = names.map(async (name) => {
      const started = await spawnPlatform({
        names: [name],
        directory: join(directory, name),
        environment,
        onLine,
      });
      if (!started.output().includes("] ready")) throw new Error(`${name}: ${started.output()}`);
      processes.set(name, started);
    });
    await Promise.all(spawned);
    rest = restClient(urls.gateway, await signIn(urls.gateway));
    // What later calls find known costs a call of its own the first time: keys, tokens, plans, policies.
    await ask("00000000000000000000000000000001");
  });
  afterAll(async () => {
    await Promise.all([...processes.values()].map((one) => one.kill("SIGKILL")));
    collector?.close();
    await servers?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const ask = async (traceId: string) => {
    const headers = { traceparent: `00-${traceId}-${clientSpan}-01`, "x-request-id": `asked-${traceId}` };
    const answer = await rest(
      "POST",
      "/api/v1/consciousness/process",
      { input: "What is a verdict?" },
      headers,
    );
    expect(answer.status).toBe(200);
  };
  const spansOf = (traceId: string) => collector.spans().filter((span) => span.traceId === traceId);

  it("shows one call as one trace, from the gateway to the store and to who hears of it", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    await ask(traceId);
    const method = "consciousness.engine.v1.EngineService/Process";
    // What the gateway knows of plans and keys it asks for again from time to time, on behalf of some call.
    const told = () => spansOf(traceId).filter(({ name }) => !name.startsWith("consciousness.auth.v1."));
    await expect.poll(() => told().length, { timeout: 20_000 }).toBe(5);
    expect(treeOf(told(), clientSpan)).toEqual([
      `gateway: server ${method}`,
      `  gateway: client ${method}`,
      `    engine: server ${method}`,
      "      engine: client database transaction",
      "        analytics: consumer apply events.engine.>",
    ]);
    const consumed = spansOf(traceId).find(({ kind }) => kind === 5);
    expect(consumed?.attributes).toMatchObject({
      "messaging.system.name": "nats",
      "messaging.operation.type": "process",
      "messaging.destination.name": "events.engine.>",
    });
  });

  it("has the trace in the call's log lines, and in its metrics", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4737";
    await ask(traceId);
    const told = () => lines.filter(({ correlation_id }) => correlation_id === `asked-${traceId}`);
    await expect.poll(() => told().length, { timeout: 5_000 }).toBe(2);
    expect(
      told()
        .map(({ service }) => service)
        .sort(),
    ).toEqual(["engine", "gateway"]);
    for (const { metadata } of told()) expect(metadata).toMatchObject({ trace_id: traceId });
    for (const name of ["gateway", "engine"] as const) {
      const scraped = await fetch(`${urls[name]}/metrics`, {
        headers: { authorization: `Bearer ${metricsToken}`, accept: "application/openmetrics-text" },
      });
      expect(await scraped.text()).toMatch(
        new RegExp(`rpc_server_duration_seconds_bucket{.*Process.*} \\d+ # {trace_id="${traceId}"`),
      );
    }
  });

  it("tells of every workload at the gateway, without a host, and honestly of one that was killed", async () => {
    const status = async () => (await rest("GET", "/api/v1/system/status")).body;
    const standing = async () => {
      const { workload_statuses } = (await status()) as {
        workload_statuses: { workload: string; status?: string; failure?: string }[];
      };
      return Object.fromEntries(
        workload_statuses.map(({ workload, status: is, failure }) => [workload, failure || is]),
      );
    };
    const serving = Object.fromEntries(names.map((name) => [name, "SERVING_STATUS_SERVING"]));
    await expect.poll(standing, { timeout: 10_000 }).toEqual(serving);
    const { workload_statuses: told } = await status();
    const engine = told.find(({ workload }: { workload: string }) => workload === "engine");
    expect(engine.versions).toMatchObject({
      node: process.versions.node,
      contract: expect.stringMatching(/^[0-9a-f]{12}$/),
    });
    expect(
      engine.self_checks.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok]),
    ).toContainEqual(["judges", true]);
    expect(engine.queues.outbox).toBeDefined();
    const analytics = told.find(({ workload }: { workload: string }) => workload === "analytics");
    expect(analytics.queues.consumers).toEqual([expect.objectContaining({ pending: expect.any(String) })]);
    expect(JSON.stringify(await status())).not.toMatch(
      /127\.0\.0\.1|localhost|postgres:|nats:|secret|token/i,
    );

    await processes.get("agents")?.kill("SIGKILL");
    const start = performance.now();
    expect((await standing()).agents).toMatch(/^(DEPENDENCY_UNAVAILABLE|DEADLINE_EXCEEDED)$/);
    expect(performance.now() - start).toBeLessThan(3_000);
  });

  it("sends the last spans of a process that is told to end", async () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4738";
    await ask(traceId);
    // Batches leave after a second; these processes have no such time left.
    for (const name of ["gateway", "engine"] as const) {
      await processes.get(name)?.kill("SIGTERM");
      expect(await processes.get(name)?.ended).toBe(0);
    }
    const kinds = spansOf(traceId).map(({ service, kind }) => `${service} ${kind}`);
    expect(kinds).toEqual(expect.arrayContaining(["gateway 2", "gateway 3", "engine 2", "engine 3"]));
  });
});
