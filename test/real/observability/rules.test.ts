import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RuleGroup } from "../../../k8s/observability/rule.js";
import { ruleGroups } from "../../../k8s/observability/rules.js";
import { alerts, contract, queries, recordings } from "../../k8s/observability/rules.js";
import { installed } from "../servers/server.js";
import { runOn } from "./tools.js";

const hasPromtool = installed("promtool");
const hasAmtool = installed("amtool");

/** A series as `promtool test rules` writes it. */
interface Series {
  readonly series: string;
  readonly values: string;
}

/** What is asked of the rules, when, and of which series: one value an interval. */
interface Question {
  readonly series: readonly Series[];
  readonly at: string;
  readonly alert: string;
  readonly interval?: string;
}

const target = 'namespace="dev",job="engine"';

/** The severities at which an alert fires. */
function firing({ series, at, alert, interval = "1m" }: Question): string[] {
  const groups = groupsOf(alert);
  const tests = {
    rule_files: ["rules.yaml"],
    evaluation_interval: interval,
    group_eval_order: groups.map(({ name }) => name),
    tests: [
      {
        interval,
        input_series: series.map(({ series, values }) => ({ series, values })),
        alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts: [] }],
      },
    ],
  };
  const files = { "rules.yaml": { groups }, "tests.yaml": tests };
  const { ok, output } = runOn(files, "promtool", ["test", "rules", "tests.yaml"]);
  if (ok) return [];
  // It says what it got in place of nothing; whatever else it says is no answer.
  const [, got] = /got:\[([\s\S]*)\]/.exec(output) ?? [];
  if (got === undefined) throw new Error(output);
  return [...new Set([...got.matchAll(/severity="(\w+)"/g)].map(([, severity = ""]) => severity))].sort();
}

/** The alert's group and those that record: windows of days are dear to evaluate. */
function groupsOf(alert: string): RuleGroup[] {
  const records = alert === "ErrorBudgetBurn" ? "consciousness-objectives" : "consciousness-business";
  return ruleGroups(contract).filter(
    ({ name, rules }) => name === records || rules.some((rule) => "alert" in rule && rule.alert === alert),
  );
}

const calls = (code: string, values: string): Series => ({
  series: `rpc_server_requests_total{${target},service="EngineService",method="GetState",code="${code}"}`,
  values,
});

describe.runIf(hasPromtool)("promtool", () => {
  it("accepts the rules as generated, and with shortened windows", () => {
    const plain = readFileSync("gen/observability/prometheus-rules.yaml", "utf8");
    const files = { "rules.yaml": plain, "short.yaml": { groups: ruleGroups(contract, 1 / 120) } };
    const { ok, output } = runOn(files, "promtool", ["check", "rules", "rules.yaml", "short.yaml"]);
    expect([ok, output]).toEqual([
      true,
      expect.stringContaining(`${alerts.length + recordings.length} rules`),
    ]);
  });

  it("accepts every query of the dashboards", () => {
    const rules = queries.map(({ expr }, at) => ({ record: `dashboard:query:${at}`, expr }));
    const { ok, output } = runOn({ "rules.yaml": { groups: [{ name: "queries", rules }] } }, "promtool", [
      "check",
      "rules",
      "rules.yaml",
    ]);
    expect([ok, output]).toEqual([true, expect.stringContaining(`${queries.length} rules`)]);
  });

  it("refuses a query that is none, so that its consent means something", () => {
    const rules = [{ record: "a", expr: "sum by (job (x)" }];
    const file = { "rules.yaml": { groups: [{ name: "queries", rules }] } };
    expect(runOn(file, "promtool", ["check", "rules", "rules.yaml"]).ok).toBe(false);
  });
});

describe.runIf(hasPromtool)("a budget", () => {
  const burning = (series: readonly Series[], at: string, interval = "1m") =>
    firing({ series, at, interval, alert: "ErrorBudgetBurn" });

  it("that is not touched tells nobody, nor one of which callers made the mistakes", () => {
    expect(burning([calls("ok", "0+600x180"), calls("invalid_argument", "0+600x180")], "3h")).toEqual([]);
  });

  it("that burns 20 times too fast sends a page, and none half an hour after its cause has gone", () => {
    const series = [calls("ok", "0+588x240"), calls("unavailable", "0+12x120 1440x120")];
    expect(burning(series, "2h")).toContain("page");
    expect(burning(series, "2h35m")).not.toContain("page");
  });

  it("that burns four times too fast is a ticket, and no page", () => {
    const series = [calls("ok", "0+5970x180"), calls("internal", "0+24x180")];
    expect(burning(series, "29h", "10m")).toEqual(["ticket"]);
  });

  it("sends no page for one fault among few calls", () => {
    expect(burning([calls("ok", "0+1x120"), calls("internal", "0x60 1x60")], "61m")).toEqual([]);
  });
});

describe.runIf(hasPromtool)("alerts", () => {
  const requests = (verdict: string, values: string): Series => ({
    series: `consciousness_requests_total{${target},verdict="${verdict}",composer="extractive"}`,
    values,
  });
  const readings = (band: string, values: string): Series => ({
    series: `judge_head_readings_total{${target},head="jailbreak",band="${band}"}`,
    values,
  });
  const dependency = (name: string, degrades: string, values: string): Series => ({
    series: `dependency_up{${target},workload="engine",dependency="${name}",degrades="${degrades}"}`,
    values,
  });
  /** Six an hour. */
  const interval = "10m";
  const week = 7 * 24 * 6;

  it.each([
    {
      name: "ErrorLogs",
      quiet: [
        calls("ok", "0+100x60"),
        { series: `log_lines_total{${target},level="error"}`, values: "0+0.5x60" },
      ],
      loud: [
        calls("ok", "0+100x60"),
        { series: `log_lines_total{${target},level="error"}`, values: "0+3x60" },
      ],
      at: "30m",
    },
    {
      name: "WorkloadDown",
      quiet: [
        { series: `up{${target},instance="a"}`, values: "1x30" },
        { series: `up{${target},instance="b"}`, values: "0x30" },
      ],
      loud: [{ series: `up{${target},instance="a"}`, values: "1x10 0x20" }],
      at: "20m",
    },
    {
      name: "WorkloadDown",
      quiet: [{ series: `up{${target},instance="a"}`, values: "1x30" }],
      loud: [{ series: `up{${target},instance="a"}`, values: "1x10 stale" }],
      at: "20m",
    },
    {
      name: "DependencyDown",
      quiet: [dependency("database", "false", "1x30"), dependency("traces", "true", "0x30")],
      loud: [dependency("database", "false", "0x30")],
      at: "5m",
    },
    {
      name: "DependencyAway",
      quiet: [dependency("traces", "true", "1x30"), dependency("database", "false", "0x30")],
      loud: [dependency("traces", "true", "0x30")],
      at: "10m",
    },
    {
      name: "OutboxOld",
      quiet: [{ series: `outbox_oldest_age_seconds{${target},workload="engine"}`, values: "30x30" }],
      loud: [{ series: `outbox_oldest_age_seconds{${target},workload="engine"}`, values: "0+60x30" }],
      at: "12m",
    },
    {
      name: "OutboxVeryOld",
      quiet: [{ series: `outbox_oldest_age_seconds{${target},workload="engine"}`, values: "600x60" }],
      loud: [{ series: `outbox_oldest_age_seconds{${target},workload="engine"}`, values: "0+60x60" }],
      at: "30m",
    },
    {
      name: "EventsSetAside",
      quiet: [
        { series: `events_consumed_total{${target},consumer="c",outcome="applied"}`, values: "0+5x30" },
      ],
      loud: [{ series: `events_consumed_total{${target},consumer="c",outcome="dead"}`, values: "0x5 1x25" }],
      at: "10m",
    },
    {
      name: "AuditLost",
      quiet: [{ series: `audit_events_total{${target},outcome="recorded"}`, values: "0+5x30" }],
      loud: [{ series: `audit_events_total{${target},outcome="lost"}`, values: "0x5 1x25" }],
      at: "10m",
    },
    {
      name: "CertificateEnds",
      quiet: [
        {
          series: `tls_certificate_expiry_timestamp_seconds{${target},use="port"}`,
          values: `${15 * 86_400}x30`,
        },
      ],
      loud: [
        {
          series: `tls_certificate_expiry_timestamp_seconds{${target},use="port"}`,
          values: `${13 * 86_400}x30`,
        },
      ],
      at: "10m",
    },
    {
      name: "CertificateEndsSoon",
      quiet: [
        {
          series: `tls_certificate_expiry_timestamp_seconds{${target},use="port"}`,
          values: `${4 * 86_400}x30`,
        },
      ],
      loud: [
        {
          series: `tls_certificate_expiry_timestamp_seconds{${target},use="port"}`,
          values: `${2 * 86_400}x30`,
        },
      ],
      at: "10m",
    },
    {
      name: "VerdictsUnusual",
      quiet: [requests("allowed", `0+95x${week}`), requests("blocked", `0+5x${week}`)],
      loud: [
        requests("allowed", `0+95x${week - 9} ${95 * (week - 9)}+60x9`),
        requests("blocked", `0+5x${week - 9} ${5 * (week - 9)}+40x9`),
      ],
      at: "10070m",
      interval,
    },
    {
      name: "JudgeHeadDrift",
      quiet: [readings("0.01", `0+90x${week}`), readings("0.3", `0+10x${week}`)],
      loud: [
        readings("0.01", `0+90x${week - 15} ${90 * (week - 15)}+40x15`),
        readings("0.3", `0+10x${week - 15} ${10 * (week - 15)}+60x15`),
      ],
      at: "10070m",
      interval,
    },
    {
      name: "ProviderFails",
      quiet: [
        { series: `provider_requests_total{${target},provider="p",outcome="ok"}`, values: "0+90x60" },
        { series: `provider_requests_total{${target},provider="p",outcome="timeout"}`, values: "0+10x60" },
      ],
      loud: [
        { series: `provider_requests_total{${target},provider="p",outcome="ok"}`, values: "0+70x60" },
        { series: `provider_requests_total{${target},provider="p",outcome="timeout"}`, values: "0+30x60" },
      ],
      at: "40m",
    },
  ])("of $name fire when they should, and not before", ({ name: alert, quiet, loud, ...when }) => {
    expect(firing({ series: quiet, alert, ...when })).toEqual([]);
    expect(firing({ series: loud, alert, ...when })).toHaveLength(1);
  });
});

describe.runIf(hasAmtool)("the routing", () => {
  const config = readFileSync("gen/observability/alertmanager.yaml", "utf8");
  const routed = (labels: readonly string[]) =>
    runOn({ "alertmanager.yaml": config }, "amtool", [
      "config",
      "routes",
      "test",
      "--config.file=alertmanager.yaml",
      ...labels,
    ]).output.trim();

  it("is accepted by amtool", () => {
    const { ok, output } = runOn({ "alertmanager.yaml": config }, "amtool", [
      "check-config",
      "alertmanager.yaml",
    ]);
    expect([ok, output]).toEqual([true, expect.stringContaining("2 receivers")]);
  });

  it("sends pages to the pager, and everything else to the tickets", () => {
    expect(routed(["severity=page", "alertname=WorkloadDown"])).toBe("page");
    expect(routed(["severity=ticket", "alertname=OutboxOld"])).toBe("ticket");
    expect(routed(["alertname=Unknown"])).toBe("ticket");
  });

  it("holds no key, only the files that do", () => {
    expect(config).not.toMatch(/(routing_key|api_url|service_key):/);
    expect(config).toContain("routing_key_file: /etc/alertmanager/secrets/pager-key");
  });
});
