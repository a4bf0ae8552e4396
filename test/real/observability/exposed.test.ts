import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { metricCatalogue } from "../../../services/kit/metric-catalogue.js";
import { signIn, startPlatform, type TestPlatform } from "../../support/platform.js";
import { restClient } from "../../support/rest.js";
import { makeTenant } from "../../system/tenancy/tenant.js";
import { installed } from "../servers/server.js";
import { runOn } from "./tools.js";

const hasPromtool = installed("promtool");
const metricsToken = "the-scraper-of-tests";
/** Series of ours that a process with every workload exposes at most, whatever it is sent. */
const mostSeries = 3_000;

let platform: TestPlatform;
let rest: ReturnType<typeof restClient>;

beforeAll(async () => {
  platform = await startPlatform({ environment: { METRICS_TOKEN: metricsToken } });
  rest = restClient(platform.url, await signIn(platform.url));
});
afterAll(() => platform?.stop());

async function exposed(): Promise<string> {
  const headers = { authorization: `Bearer ${metricsToken}` };
  const response = await fetch(`${platform.url}/metrics`, { headers });
  expect(response.status).toBe(200);
  return response.text();
}

const ours = (body: string) =>
  body.split("\n").filter((line) => line !== "" && !/^(#|process_|nodejs_)/.test(line));

/** What anybody may send: names of agents, paths, methods, headers, bodies. */
async function sendHostile(from: number, to: number): Promise<void> {
  const nasty = ['"} 1\nforged 1', "\u{202e}", "a".repeat(300), "../../etc", "{}", "%00", "__proto__"];
  for (let at = from; at < to; at += 1) {
    const name = `${nasty[at % nasty.length]} ${at}`;
    const { body } = await rest("POST", "/api/v1/agents", { name, agent_type: `type-${at % 7}` });
    await rest("PATCH", `/api/v1/agents/${body.id}?update_mask=status`, { status: "AGENT_STATUS_ACTIVE" });
    const asked = { input: "What is an abstention?", agent_id: body.id, conversation_id: `c-${at}` };
    await rest("POST", "/api/v1/consciousness/process", asked);
    await rest("GET", `/api/v1/nowhere-${at}/${encodeURIComponent(name)}`);
    await rest("POST", `/consciousness.engine.v1.EngineService/Method${at}`, {});
    await rest("GET", `/api/v1/agents?page_token=${at}`, undefined, {
      "x-request-id": name.replace(/[^ -~]/g, ""),
    });
    await rest("POST", "/api/v1/agents", `{"broken": ${at}`, { "x-tenant": `t-${at}` });
  }
}

it("exposes exactly the metrics of the catalogue, each as it says", async () => {
  await sendHostile(0, 2);
  const body = await exposed();
  const types = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    .map(([, name = "", type]) => `${name} ${type}`)
    .filter((line) => !/^(process|nodejs)_/.test(line));
  expect(types.sort()).toEqual(
    Object.values(metricCatalogue)
      .map(({ name, type }) => `${name} ${type}`)
      .sort(),
  );
  const labels = new Map<string, Set<string>>();
  for (const line of ours(body)) {
    const [, name = "", list = ""] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    const names = labels.get(name) ?? new Set();
    for (const [, label = ""] of list.matchAll(/(\w+)="(?:[^"\\]|\\.)*"/g)) names.add(label);
    labels.set(name, names);
  }
  for (const { name, type, labels: stated } of Object.values(metricCatalogue)) {
    for (const end of type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]) {
      const found = labels.get(`${name}${end}`);
      if (!found || found.size === 0) continue;
      expect([...found].filter((label) => label !== "le").sort(), name).toEqual([...stated].sort());
    }
  }
});

it("moves what the alerts and graphs of decisions stand on", async () => {
  const body = await exposed();
  const value = (pattern: RegExp) => Number(pattern.exec(body)?.[1] ?? Number.NaN);
  expect(value(/^consciousness_requests_total\{[^}]*composer="extractive"[^}]*\} (\d+)$/m)).toBeGreaterThan(
    0,
  );
  expect(value(/^agent_response_latency_seconds_count\{composer="extractive"\} (\d+)$/m)).toBeGreaterThan(0);
  expect(value(/^active_agents_total (\d+)$/m)).toBe(2);
  expect(value(/^conversations_total (\d+)$/m)).toBe(2);
  expect(value(/^log_lines_total\{level="info"\} (\d+)$/m)).toBeGreaterThan(0);
  expect(value(/^dependency_up\{workload="gateway",dependency="database",degrades="false"\} (\d)$/m)).toBe(1);
  expect(body).toMatch(/^judge_head_readings_total\{head="jailbreak",band="[\d.]+"\} [1-9]/m);
});

it("has no more series for many agents, tenants, paths and hostile names than for few", async () => {
  await sendHostile(2, 12);
  await makeTenant(platform.url, "first");
  // The tenant's policy is told by an event, which takes its time.
  const heard = /^events_consumed_total\{consumer="engine-policies",outcome="applied"\} [1-9]/m;
  await vi.waitFor(async () => expect(await exposed()).toMatch(heard), { timeout: 30_000, interval: 100 });
  const few = ours(await exposed());
  await sendHostile(12, 60);
  await Promise.all(["second", "third", "fourth"].map((name) => makeTenant(platform.url, name)));
  const many = ours(await exposed());
  const nameOf = (line: string) => line.slice(0, line.lastIndexOf(" "));
  const known = new Set(few.map(nameOf));
  expect(many.map(nameOf).filter((name) => !known.has(name))).toEqual([]);
  expect(many.length).toBeLessThan(mostSeries);
});

it("tells of it cheaply", async () => {
  const times: number[] = [];
  let bytes = 0;
  for (let at = 0; at < 20; at += 1) {
    const start = performance.now();
    bytes = (await exposed()).length;
    times.push(performance.now() - start);
  }
  const [median = 0] = times.sort((a, b) => a - b).slice(10);
  process.stdout.write(
    `/metrics: ${bytes} bytes, median ${median.toFixed(1)} ms, ${ours(await exposed()).length} series\n`,
  );
  expect(bytes).toBeLessThan(1_000_000);
  expect(median).toBeLessThan(500);
});

it.runIf(hasPromtool)("names metrics as promtool wants it, but for the name that was asked for", async () => {
  const body = await exposed();
  const { output } = runOn(
    { "check.sh": "promtool check metrics < metrics.txt 2>&1", "metrics.txt": body },
    "sh",
    ["check.sh"],
  );
  const lines = output.split("\n").filter((line) => line !== "" && !/^(process|nodejs)_/.test(line));
  expect(lines).toEqual(['active_agents_total non-counter metrics should not have "_total" suffix']);
});
