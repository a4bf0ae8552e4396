import type { ImageContract } from "../../../services/generate/contract.js";
import { metricCatalogue as metrics } from "../../../services/kit/metric-catalogue.js";
import { budgetLeft, recordedRatio } from "../burn-rates.js";
import { recorded } from "../recordings.js";
import { faultCodes, slosOf } from "../slos.js";
import { panelOf } from "./catalogue-panel.js";
import { mesh } from "./mesh.js";
import { chosen, type Dashboard, graph, type Row, shownWindow, stat } from "./panel.js";

const rate = (name: string, matchers = "") =>
  `rate(${name}{${[chosen, matchers].filter((one) => one !== "").join(",")}}[${shownWindow}])`;

/** Every dashboard. */
export function dashboardsOf(contract: ImageContract): Dashboard[] {
  return [overview(contract), service(), judgement(), mesh];
}

function overview(contract: ImageContract): Dashboard {
  const calls = metrics.serverRequests.name;
  const faults = `code=~"${faultCodes.join("|")}"`;
  const slos = slosOf(contract);
  return {
    uid: "consciousness-overview",
    title: "Consciousness Engine: overview",
    offeredBy: metrics.buildInfo.name,
    rows: [
      {
        title: "Now",
        panels: [
          stat("Decisions", "reqps", `sum(${rate(metrics.requests.name)})`, metrics.requests.help),
          stat(
            "Conversations",
            "ops",
            `sum(${recorded.conversations}{namespace=~"$namespace"})`,
            metrics.conversations.help,
          ),
          stat(
            "Active agents",
            "short",
            `max(${metrics.activeAgents.name}{${chosen}})`,
            metrics.activeAgents.help,
          ),
          stat(
            "Dependencies away",
            "short",
            `count(min by (namespace, workload, dependency) (${metrics.dependencyUp.name}{${chosen}}) == 0) or vector(0)`,
            metrics.dependencyUp.help,
          ),
          stat(
            "Certificates end in",
            "s",
            `min(${metrics.certificateExpiry.name}{${chosen}}) - time()`,
            metrics.certificateExpiry.help,
          ),
          stat(
            "Oldest waiting event",
            "s",
            `max(${metrics.outboxAge.name}{${chosen}})`,
            metrics.outboxAge.help,
          ),
        ],
      },
      {
        title: "Objectives",
        panels: slos.flatMap((slo) => [
          graph(
            `${slo.name}: bad events`,
            "percentunit",
            (["5m", "1h", "1d"] as const).map((window) => ({
              expr: recordedRatio(slo, window),
              legend: `{{job}} ${window}`,
            })),
            slo.promise,
          ),
          graph(
            `${slo.name}: budget left by the last three days`,
            "percentunit",
            [{ expr: budgetLeft(slo), legend: "{{job}}" }],
            slo.promise,
          ),
        ]),
      },
      {
        title: "Calls",
        panels: [
          graph(
            "Calls",
            "reqps",
            [{ expr: `sum by (job) (${rate(calls)})`, legend: "{{job}}" }],
            metrics.serverRequests.help,
          ),
          graph(
            "Faults of ours",
            "reqps",
            [{ expr: `sum by (job, code) (${rate(calls, faults)})`, legend: "{{job}} {{code}}" }],
            metrics.serverRequests.help,
          ),
          panelOf(metrics.serverDuration),
          panelOf(metrics.httpRejected),
          panelOf(metrics.logLines),
          graph(
            "Memory",
            "bytes",
            [{ expr: `max by (job) (process_resident_memory_bytes{${chosen}})`, legend: "{{job}}" }],
            "Resident memory of the largest replica.",
          ),
        ],
      },
    ],
  };
}

/** Every metric of the catalogue, for the jobs that are chosen. */
function service(): Dashboard {
  const parts: Readonly<Record<string, RegExp>> = {
    Calls: /^(rpc_|http_)/,
    Decisions: /^(consciousness_|agent_|active_|conversations_|judge_|provider_)/,
    Events: /^(outbox_|events_|audit_)/,
    Process: /^(log_|telemetry_|dependency_|tls_|build_|cache_)/,
  };
  const specs = Object.values(metrics);
  const belongs = Object.values(parts);
  const others = specs.filter(({ name }) => !belongs.some((part) => part.test(name)));
  const rows: Row[] = Object.entries(parts).map(([title, part]) => ({
    title,
    panels: specs.filter(({ name }) => part.test(name)).map(panelOf),
  }));
  return {
    uid: "consciousness-service",
    title: "Consciousness Engine: one service",
    offeredBy: metrics.buildInfo.name,
    rows: others.length === 0 ? rows : [...rows, { title: "More", panels: others.map(panelOf) }],
  };
}

function judgement(): Dashboard {
  const readings = metrics.headReadings.name;
  return {
    uid: "consciousness-judgement",
    title: "Consciousness Engine: judgement",
    offeredBy: metrics.requests.name,
    rows: [
      {
        title: "Verdicts",
        panels: [
          panelOf(metrics.requests),
          graph(
            "Share of each verdict over an hour",
            "percentunit",
            [{ expr: `${recorded.verdictShare}{namespace=~"$namespace"}`, legend: "{{verdict}}" }],
            "What verdicts become unusual by.",
          ),
          panelOf(metrics.quality),
        ],
      },
      {
        title: "Time",
        panels: [panelOf(metrics.responseLatency), stagePercentiles(), panelOf(metrics.providerDuration)],
      },
      {
        title: "Heads",
        panels: [
          graph(
            "Drift",
            "short",
            [{ expr: `${recorded.drift}{namespace=~"$namespace"}`, legend: "{{head}}" }],
            "Population stability index of the last hour's readings against the week before; above 0.25 they have shifted.",
          ),
          graph(
            "Readings above one half",
            "percentunit",
            [
              {
                expr: `sum by (head) (${rate(readings, 'band=~"0.7|0.9|1"')}) / (sum by (head) (${rate(readings)}) > 0)`,
                legend: "{{head}}",
              },
            ],
            metrics.headReadings.help,
          ),
          graph(
            "Cache hits",
            "percentunit",
            [{ expr: `${recorded.cacheHits}{${chosen}}`, legend: "{{job}} {{cache}}" }],
            metrics.cacheReads.help,
          ),
        ],
      },
    ],
  };
}

function stagePercentiles() {
  const { name, help } = metrics.stageDuration;
  const expr = `histogram_quantile(0.95, sum by (stage, le) (${rate(`${name}_bucket`)}))`;
  return graph("Stages, 95th percentile", "s", [{ expr, legend: "{{stage}}" }], help);
}
