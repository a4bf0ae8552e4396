import { describe, expect, it } from "vitest";
import { metricCatalogue } from "../../services/kit/metric-catalogue.js";
import { metricLabels } from "../../services/kit/metric-labels.js";
import { createMetrics } from "../../services/kit/metrics.js";

/** Series that a process may expose at most, whatever its callers send. */
const mostSeries = 20_000;

const observations = {
  requests: (m) => m.requests.add({ verdict: "ALLOWED", composer: "extractive" }),
  stageDuration: (m) => m.stageDuration.observe(0.003, { stage: "retrieve" }),
  quality: (m) => m.quality.observe(0.84),
  responseLatency: (m) => m.responseLatency.observe(0.02, { composer: "extractive" }),
  activeAgents: (m) => m.activeAgents.readFrom(() => 3),
  conversations: (m) => m.conversations.add(),
  headReadings: (m) => m.headReadings.tally({ head: "hate", band: "0.1" })(),
  providerRequests: (m) => m.providerRequests.add({ provider: "local", outcome: "ok" }),
  providerDuration: (m) => m.providerDuration.observe(0.2, { provider: "local" }),
  providerTokens: (m) => m.providerTokens.addMany(3, { provider: "local", direction: "input" }),
  providerCost: (m) => m.providerCost.addMany(0.1, { provider: "local" }),
  llmOpinions: (m) => m.llmOpinions.add({ source: "cache", outcome: "harmless" }),
  llmOpinionDuration: (m) => m.llmOpinionDuration.observe(0.4, { source: "provider" }),
  serverRequests: (m) => m.serverRequests.add({ service: "EngineService", method: "Process", code: "ok" }),
  serverDuration: (m) => m.serverDuration.observe(0.01, { service: "EngineService", method: "Process" }),
  serverInFlight: (m) => m.serverInFlight.change(1, { workload: "engine" }),
  clientRequests: (m) => m.clientRequests.add({ peer: "agents", method: "GetAgent", code: "not_found" }),
  clientDuration: (m) => m.clientDuration.observe(0.002, { peer: "agents", method: "GetAgent" }),
  httpRejected: (m) => m.httpRejected.add({ status: "415", reason: "MEDIA_TYPE_UNSUPPORTED" }),
  exportFailures: (m) => m.exportFailures.add(),
  spans: (m) => m.spans.addMany(512, { outcome: "exported" }),
  logLinesDropped: (m) => m.logLinesDropped.add(),
  logLines: (m) => m.logLines.tally({ level: "error" })(),
  dependencyUp: (m) =>
    m.dependencyUp.set(1, { workload: "engine", dependency: "database", degrades: "false" }),
  certificateExpiry: (m) => m.certificateExpiry.set(1_800_000_000, { use: "port" }),
  outboxPending: (m) => m.outboxPending.set(3, { workload: "agents" }),
  outboxAge: (m) => m.outboxAge.set(0.2, { workload: "agents" }),
  outboxRelayed: (m) => m.outboxRelayed.add({ workload: "agents" }),
  consumed: (m) => m.consumed.add({ consumer: "search", outcome: "applied" }),
  consumeFailures: (m) => m.consumeFailures.add({ consumer: "search" }),
  eventLag: (m) => m.eventLag.observe(0.2, { consumer: "search" }),
  analyticsLag: (m) => m.analyticsLag.set(0.3),
  analyticsBatchRows: (m) => m.analyticsBatchRows.observe(17),
  analyticsAppendFailures: (m) => m.analyticsAppendFailures.add(),
  cacheReads: (m) => m.cacheReads.add({ cache: "knowledge", outcome: "hit" }),
  auditEvents: (m) => m.auditEvents.add({ outcome: "recorded" }),
  auditPending: (m) => m.auditPending.set(2, { workload: "gateway" }),
  buildInfo: () => {},
} satisfies Record<keyof typeof metricCatalogue, (metrics: ReturnType<typeof createMetrics>) => void>;

const made = () => createMetrics({ version: "1.2.3", workloads: ["engine", "auth"] });
const specs = Object.values(metricCatalogue);

describe("the metric catalogue", () => {
  it("is what is exposed after one observation each, no more and no less", async () => {
    const metrics = made();
    for (const observe of Object.values(observations)) observe(metrics);
    const { body } = await metrics.expose();
    const exposed = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
    const ours = exposed.filter((line) => !/^(process|nodejs)_/.test(line));
    expect(ours.sort()).toEqual(specs.map(({ name, type }) => `${name} ${type}`).sort());
    expect(exposed).toContain("process_resident_memory_bytes gauge");
    for (const spec of specs) {
      expect(body).toContain(`# HELP ${spec.name} ${spec.help}\n`);
      expect(labelsOf(body, spec.name), spec.name).toEqual([...spec.labels].sort());
    }
  });

  it("ends each name with its unit, as Prometheus asks for", () => {
    for (const { name, type, unit } of specs) {
      if (type === "counter") expect(name).toMatch(/_total$/);
      else if (unit === "seconds") expect(name).toMatch(/_seconds$/);
      else if (name === "active_agents_total") expect(unit).toBe("agents");
      else expect(name).not.toMatch(/_(total|seconds)$/);
    }
  });

  it("has no label for ids, which would make a series per request", () => {
    for (const { labels } of specs)
      for (const label of labels) expect(label).not.toMatch(/id$|agent|tenant|user/);
  });
});

describe("labels", () => {
  it("have a meaning and a bound each", () => {
    const named = new Set(specs.flatMap(({ labels }) => labels as readonly string[]));
    expect(Object.keys(metricLabels).sort()).toEqual([...named].sort());
  });

  it("keep hostile values within their bounds, as `other`", async () => {
    const metrics = made();
    const hostile = [
      '"} 1\nforged_total 1',
      "\u0000",
      "a".repeat(10_000),
      "__proto__",
      "ａgent",
      'x="y"',
      "\\",
    ];
    const rejected = (reason: string) => metrics.httpRejected.add({ status: "400", reason });
    for (const reason of hostile) rejected(reason);
    for (let at = 0; at < 5_000; at += 1) {
      rejected(`reason ${at}`);
      metrics.requests.add({ verdict: `${at}`, composer: `${at}` });
      metrics.stageDuration.observe(1, { stage: `${at}` });
      metrics.auditPending.set(at, { workload: `${at}` });
      metrics.serverMeter({ workload: "engine", service: "S", method: `M${at}` }).end(`${at}`, 1);
    }
    const { body } = await metrics.expose();
    const ours = body.split("\n").filter((line) => line !== "" && !/^(#|process_|nodejs_)/.test(line));
    expect(ours.length).toBeLessThan(mostSeries);
    expect(ours.filter((line) => !/^[a-z_]+(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? \S+$/u.test(line))).toEqual(
      [],
    );
    const most = metricLabels.reason.most + 1;
    const reasons = ours.filter((line) => line.startsWith("http_rejected_total"));
    expect(reasons).toHaveLength(most);
    expect(reasons.at(-1)).toBe(
      `http_rejected_total{status="400",reason="other"} ${5_000 + hostile.length - metricLabels.reason.most}`,
    );
  });
});

describe("metrics", () => {
  it("count by label and put observations into buckets", async () => {
    const metrics = made();
    observations.httpRejected(metrics);
    observations.httpRejected(metrics);
    observations.quality(metrics);
    const { body, contentType } = await metrics.expose();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toContain('http_rejected_total{status="415",reason="MEDIA_TYPE_UNSUPPORTED"} 2\n');
    expect(body).toContain('consciousness_quality_score_bucket{le="0.8"} 0\n');
    expect(body).toContain('consciousness_quality_score_bucket{le="0.85"} 1\n');
  });

  it("hold a served call in flight until its end", async () => {
    const metrics = made();
    const meter = metrics.serverMeter({ workload: "auth", service: "AuthService", method: "Login" });
    meter.begin();
    expect((await metrics.expose()).body).toContain('rpc_server_in_flight{workload="auth"} 1\n');
    meter.end("unauthenticated", 0.2);
    const { body } = await metrics.expose();
    expect(body).toContain('rpc_server_in_flight{workload="auth"} 0\n');
    expect(body).toContain(
      'rpc_server_requests_total{service="AuthService",method="Login",code="unauthenticated"} 1\n',
    );
    expect(body).toContain('rpc_server_duration_seconds_sum{service="AuthService",method="Login"} 0.2\n');
  });

  it("show the workloads of the process from the start", async () => {
    const { body } = await made().expose();
    expect(body).toContain('build_info{version="1.2.3",workload="auth"} 1\n');
    expect(body).toContain('rpc_server_in_flight{workload="engine"} 0\n');
  });

  it("skip a measurement that is not a number instead of failing", async () => {
    const metrics = made();
    metrics.quality.observe(Number.NaN);
    expect((await metrics.expose()).body).toContain("consciousness_quality_score_count 0\n");
  });

  it("of two sets in one process do not mix", async () => {
    const [one, other] = [made(), made()];
    one.exportFailures.add();
    expect((await other.expose()).body).toContain("telemetry_export_failures_total 0\n");
  });
});

function labelsOf(body: string, name: string): string[] {
  const lines = body.split("\n").filter((line) => new RegExp(`^${name}(_bucket)?[{ ]`).test(line));
  const labels = lines.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, label]) => label ?? ""));
  return [...new Set(labels)].filter((label) => label !== "le").sort();
}
