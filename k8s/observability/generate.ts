import { readContract } from "../../services/generate/contract.js";
import type { Writer } from "../../services/generate/main.js";
import { yamlFile } from "../../services/generate/yaml-file.js";
import { alertmanagerConfig, shippedReceivers } from "./alertmanager.js";
import { wholePlatformJob } from "./alerts/platform.js";
import { dashboardsOf } from "./dashboards/dashboards.js";
import { grafanaJson } from "./dashboards/panel.js";
import { metricsDocument } from "./document.js";
import {
  alertRouting,
  prometheusRule,
  proxyMetricsPolicy,
  proxyMonitor,
  serviceMonitor,
} from "./operator.js";
import { prometheusConfig } from "./prometheus.js";
import { ruleGroups } from "./rules.js";

const plain = "gen/observability";
const monitoring = "k8s/components/monitoring/generated";
const grafana = "k8s/components/grafana/generated";

/**
 * Writes what watches the platform, from the metric catalogue, the objectives
 * and the contract: rules and routing for a Prometheus of one's own and for the
 * operator's, dashboards, and the page about all of it.
 */
export const writeObservability: Writer = (image) => {
  const contract = readContract(image);
  const groups = ruleGroups(contract);
  const gateway = contract.workloads.find(({ name }) => name === "gateway");
  const local = prometheusConfig({
    targets: { [wholePlatformJob]: [`127.0.0.1:${gateway?.port}`] },
    tokenFile: "/etc/prometheus/metrics-token",
    rulesFile: "prometheus-rules.yaml",
    alertmanager: "127.0.0.1:9093",
  });
  const dashboards = dashboardsOf(contract).map(
    (dashboard) => [`${grafana}/${dashboard.uid}.json`, grafanaJson(dashboard)] as const,
  );
  return new Map([
    ["gen/docs/metrics.md", metricsDocument(contract)],
    [
      `${plain}/prometheus.yaml`,
      yamlFile(["Reads a platform that runs in one process on this machine."], [local]),
    ],
    [`${plain}/prometheus-rules.yaml`, yamlFile([], [{ groups }])],
    [
      `${plain}/alertmanager.yaml`,
      yamlFile(["The files that it names hold the receivers' keys."], [alertmanagerConfig(shippedReceivers)]),
    ],
    [`${monitoring}/service-monitors.yaml`, yamlFile([], contract.workloads.map(serviceMonitor))],
    [`${monitoring}/proxies.yaml`, yamlFile([], [proxyMonitor(contract), proxyMetricsPolicy()])],
    [`${monitoring}/rules.yaml`, yamlFile([], [prometheusRule(groups)])],
    [`${monitoring}/alert-routing.yaml`, yamlFile([], [alertRouting()])],
    ...dashboards,
  ]);
};
