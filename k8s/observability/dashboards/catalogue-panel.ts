import type { MetricSpec } from "../../../services/kit/metric-spec.js";
import { chosen, graph, type Panel, shownWindow } from "./panel.js";

/** Units that Grafana has a name for; the others are counts. */
const units: Readonly<Partial<Record<MetricSpec["unit"], string>>> = {
  seconds: "s",
  ratio: "percentunit",
  currency: "currencyUSD",
};

/** The panel that suits a metric: rates of counters, percentiles of histograms, gauges as they are. */
export function panelOf(spec: MetricSpec): Panel {
  const { name, help, labels, unit } = spec;
  const by = ["job", ...labels.filter((label) => label !== "job")].join(", ");
  const legend = ["job", ...labels].map((label) => `{{${label}}}`).join(" ");
  switch (spec.type) {
    case "counter":
      return graph(
        `${name}, per second`,
        unit === "currency" ? "currencyUSD" : "ops",
        [{ expr: `sum by (${by}) (rate(${name}{${chosen}}[${shownWindow}]))`, legend }],
        help,
      );
    case "histogram":
      return graph(
        name,
        units[unit] ?? "short",
        [0.5, 0.95, 0.99].map((share) => ({
          expr: `histogram_quantile(${share}, sum by (job, le) (rate(${name}_bucket{${chosen}}[${shownWindow}])))`,
          legend: `{{job}} p${share * 100}`,
        })),
        help,
      );
    case "gauge":
      return graph(
        name,
        units[unit] ?? "short",
        [{ expr: `max by (${by}) (${name}{${chosen}})`, legend }],
        help,
      );
  }
}
