import { Code } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { describe, expect, it } from "vitest";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import { burnRates } from "../../../k8s/observability/burn-rates.js";
import { proxyMetrics } from "../../../k8s/observability/dashboards/mesh.js";
import { milliseconds, scaledBy } from "../../../k8s/observability/durations.js";
import { ruleGroups } from "../../../k8s/observability/rules.js";
import { fastAnswer, fastCall, faultCodes, slosOf, unjudged } from "../../../k8s/observability/slos.js";
import { readingBands } from "../../../services/engine/observe-judging.js";
import { verdictName } from "../../../services/engine/store.js";
import { metricCatalogue } from "../../../services/kit/metric-catalogue.js";
import { metricLabels } from "../../../services/kit/metric-labels.js";
import { groupedLabels, selectorsOf } from "./promql.js";
import { alerts, contract, dashboards, queries, recordings } from "./rules.js";

/** Labels that Prometheus adds to what it reads, and those of histograms and rules. */
const added = ["namespace", "job", "instance", "le"];
/** What is exposed, by name, with its labels: ours, the process's, the proxies', Prometheus' own. */
const exposed = new Map<string, readonly string[]>([
  ["up", []],
  ["process_resident_memory_bytes", []],
  ["nodejs_eventloop_lag_p99_seconds", []],
  ...Object.entries(proxyMetrics),
  ...Object.values(metricCatalogue).flatMap(({ name, type, labels }) =>
    (type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]).map(
      (end) => [`${name}${end}`, labels as readonly string[]] as const,
    ),
  ),
]);
const asked = [
  ...recordings.map(({ record, expr }) => ({ where: record, expr })),
  ...alerts.map(({ alert, expr }) => ({ where: alert, expr })),
  ...queries,
];
const records = new Set(recordings.map(({ record }) => record));

describe("the search for names in PromQL", () => {
  it("finds selectors with their labels, and nothing else", () => {
    const expr =
      'sum by (a, b) (rate(x_total{c=~"y_total{d=\\"",e!="1"}[5m] offset 1h)) > on (a) group_left () z:w and vector(0) or absent(q)';
    expect(selectorsOf(expr)).toEqual([
      { metric: "x_total", labels: ["c", "e"] },
      { metric: "z:w", labels: [] },
      { metric: "q", labels: [] },
    ]);
    expect(groupedLabels(expr)).toEqual(["a", "b", "a"]);
  });
});

describe("rules and dashboards", () => {
  it.each(asked)("of $where ask for what is exposed or recorded alone, by labels that it has", ({ expr }) => {
    const selectors = selectorsOf(expr);
    for (const { metric, labels } of selectors) {
      if (records.has(metric)) continue;
      expect([...exposed.keys()]).toContain(metric);
      expect([...added, ...(exposed.get(metric) ?? [])]).toEqual(expect.arrayContaining([...labels]));
    }
    const known = [...added, "slo", ...Object.keys(metricLabels), ...Object.values(proxyMetrics).flat()];
    expect(known).toEqual(expect.arrayContaining(groupedLabels(expr)));
  });

  it("use what they record", () => {
    const used = new Set(asked.flatMap(({ expr }) => selectorsOf(expr)).map(({ metric }) => metric));
    expect([...records].filter((record) => !used.has(record))).toEqual([]);
  });

  it("show every metric of the catalogue", () => {
    const shown = new Set(
      queries.flatMap(({ expr }) => selectorsOf(expr)).map(({ metric }) => metric.replace(/_bucket$/, "")),
    );
    expect(
      Object.values(metricCatalogue)
        .map(({ name }) => name)
        .filter((name) => !shown.has(name)),
    ).toEqual([]);
  });

  it("compare with values that labels really have", () => {
    const codes = Object.values(Code)
      .filter((code) => typeof code === "number")
      .map(codeToString);
    expect(codes).toEqual(expect.arrayContaining([...faultCodes]));
    expect(verdictName(Verdict.CHECK_UNAVAILABLE)).toBe(unjudged);
    expect(metricCatalogue.serverDuration.buckets).toContain(fastCall);
    expect(metricCatalogue.responseLatency.buckets).toContain(fastAnswer);
    expect(readingBands).toHaveLength(8);
  });

  it("lay panels beside each other, never over each other", () => {
    for (const { panels } of dashboards) {
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.floor(at / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    }
  });
});

describe("alerts", () => {
  it("say what is the case and what it means, and to whom", () => {
    for (const { alert, labels, annotations } of alerts) {
      expect(["page", "ticket"], alert).toContain(labels.severity);
      expect(annotations.summary.length, alert).toBeGreaterThan(10);
      expect(annotations.description.length, alert).toBeGreaterThan(20);
    }
  });

  it("keep the namespace, by which Alertmanager knows whose they are", () => {
    for (const { alert, expr } of alerts) {
      const outer =
        /^\(*(?:abs\()?(?:histogram_quantile\([\d.]+, )?(?:sum|min|max|count)?\s*(?:by \(([^)]*)\))?/.exec(
          expr,
        );
      if (outer?.[1] !== undefined) expect(outer[1].split(", "), alert).toContain("namespace");
    }
  });

  it("cover every objective by a page and a ticket", () => {
    const covered = alerts.map(({ labels }) => `${labels.slo} ${labels.severity}`);
    for (const { name } of slosOf(contract)) {
      expect(covered).toEqual(expect.arrayContaining([`${name} page`, `${name} ticket`]));
    }
  });

  it("leave streams, decisions and operators' calls out of what has to be fast", () => {
    const [, latency] = slosOf(contract);
    const bad = latency?.bad("5m") ?? "";
    for (const name of ["Process", "ProcessStream", "CreateChatCompletion"]) {
      expect(bad).toMatch(new RegExp(`method!~"[^"]*\\b${name}\\b`));
    }
    expect(bad).not.toMatch(/method!~"[^"]*\bListAgents\b/);
    expect(bad).toContain("consciousness.system.v1.SystemService");
  });
});

describe("burn rates", () => {
  it("spend the shares of a month's budget that the SRE workbook names", () => {
    const month = milliseconds("30d");
    const spent = burnRates.map(({ factor, long }) => (factor * milliseconds(long)) / month);
    expect(spent.map((share) => Number(share.toFixed(3)))).toEqual([0.02, 0.05, 0.1, 0.1]);
    for (const { long, short } of burnRates) expect(milliseconds(long) / milliseconds(short)).toBe(12);
  });
});

describe("a factor", () => {
  it("shortens every window and waiting time, and changes nothing else", () => {
    const scaled = scaledBy(1 / 120);
    expect([scaled("5m"), scaled("1h"), scaled("3d")]).toEqual(["2500ms", "30000ms", "2160000ms"]);
    const durations = /\b\d+(?:ms|[smhd])\b/g;
    const texts = (factor: number) =>
      ruleGroups(contract, factor).flatMap(({ rules }) => rules.map((rule) => ({ ...rule })));
    const [written, short] = [texts(1), texts(1 / 120)];
    written.forEach((rule, at) => {
      const other = short[at]!;
      const numberless = (text: string) => text.replace(durations, "").replace(/\d+(\.\d+)?/g, "");
      if (!("record" in rule)) expect(numberless(other.expr)).toBe(numberless(rule.expr));
      expect(other.expr).not.toMatch(/\[\d+[mhd]\]/);
    });
  });

  it("refuses what is no duration", () => {
    expect(() => milliseconds("5 minutes" as never)).toThrow("5 minutes is no duration");
  });
});
