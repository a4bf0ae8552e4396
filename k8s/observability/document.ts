import type { ImageContract } from "../../services/generate/contract.js";
import { page, table } from "../../services/generate/markdown.js";
import { metricCatalogue } from "../../services/kit/metric-catalogue.js";
import { metricLabels } from "../../services/kit/metric-labels.js";
import { burnRates } from "./burn-rates.js";
import { askedNames, leftOut } from "./business-names.js";
import type { AlertingRule } from "./rule.js";
import { ruleGroups } from "./rules.js";
import { slosOf, sloWindow } from "./slos.js";

const about =
  "What `/metrics` of every process exposes, what is promised by it, and who is told when. Prometheus adds `namespace`, `job` and `instance` to each series; metrics of the process itself (`process_*`, `nodejs_*`) are prom-client's.";

/** The page about metrics, objectives and alerts. */
export function metricsDocument(contract: ImageContract): string {
  const parts = [
    ["Metrics", metricsTable()],
    ["Labels", `${labelsAbout}\n\n${labelsTable()}`],
    ["Names that were asked for", namesTable()],
    ["Left out", leftOutTable()],
    ["Objectives", `${objectivesAbout}\n\n${objectivesTable(contract)}`],
    ["Alerts", alertsTable(contract)],
  ];
  const content = parts.map(([title, text]) => `## ${title}\n\n${text}`).join("\n\n");
  return page("Metrics", about, content, "services/kit/metric-catalogue.ts and k8s/observability/");
}

function metricsTable(): string {
  const rows = Object.values(metricCatalogue).map(({ name, type, unit, labels, help }) => [
    `\`${name}\``,
    type,
    unit,
    labels.map((label) => `\`${label}\``).join(", ") || "–",
    help,
  ]);
  return table(["Name", "Type", "Unit", "Labels", "Meaning"], rows);
}

const labelsAbout =
  "A process exposes so many values of each at most; further ones count as `other`. None holds an id, a name that callers choose, or text.";

function labelsTable(): string {
  const rows = Object.entries(metricLabels).map(([name, { meaning, most }]) => [
    `\`${name}\``,
    meaning,
    `${most}`,
  ]);
  return table(["Label", "Meaning", "Values at most"], rows);
}

function namesTable(): string {
  return table(
    ["Name", "Where it is"],
    askedNames.map(({ name, where }) => [`\`${name}\``, where]),
  );
}

function leftOutTable(): string {
  return table(
    ["Name", "Why"],
    leftOut.map(({ name, why }) => [`\`${name}\``, why]),
  );
}

const objectivesAbout = `Over ${sloWindow}. The share of bad events may be so much larger than the budget within a window and, so that an alert ends with its cause, within a twelfth of it: ${burnRates
  .map(({ factor, long, severity }) => `${factor} times within ${long} (${severity})`)
  .join(", ")}.`;

function objectivesTable(contract: ImageContract): string {
  const rows = slosOf(contract).map(({ name, objective, promise }) => [
    name,
    `${Number((objective * 100).toFixed(3))} %`,
    promise,
  ]);
  return table(["Objective", "Good events", "Promise"], rows);
}

function alertsTable(contract: ImageContract): string {
  const alerts = ruleGroups(contract)
    .flatMap(({ rules }) => rules)
    .filter((rule): rule is AlertingRule => "alert" in rule);
  const rows = alerts.map(({ alert, labels, annotations, for: holds }) => [
    labels.slo ? `\`${alert}\` (${labels.slo})` : `\`${alert}\``,
    labels.severity,
    holds ?? "at once",
    plain(annotations.summary),
    plain(annotations.description),
  ]);
  return table(["Alert", "Severity", "After", "When", "Meaning"], rows);
}

/** `{{ $labels.job }}` as a reader of the page sees it. */
function plain(text: string): string {
  return text.replace(/\{\{ \$(?:labels\.)?(\w+)[^}]*\}\}/g, "<$1>").replaceAll("<", "&lt;");
}
