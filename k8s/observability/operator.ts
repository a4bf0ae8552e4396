import { namespacePlaceholder, observabilityNamespace } from "../../mesh/rules/names.js";
import type { ImageContract, ImageWorkload } from "../../services/generate/contract.js";
import type { Manifest } from "../../services/generate/yaml-file.js";
import { grouping, inhibitions, type Waiting, waiting } from "./alertmanager.js";
import { criticalWorkloads, mostSamples, scrapeIntervals } from "./prometheus.js";
import type { RuleGroup } from "./rule.js";

const apiVersion = "monitoring.coreos.com/v1";
/** Where Istio's proxy beside Prometheus keeps the certificate that workloads know it by. */
const certificates = "/etc/prom-certs";
const proxyMetricsPort = 15_090;

/** Reads each replica of a workload, as the identity that METRICS_READER names. */
export function serviceMonitor({ name }: ImageWorkload): Manifest {
  return {
    apiVersion,
    kind: "ServiceMonitor",
    metadata: { name },
    spec: {
      selector: { matchLabels: { app: name } },
      sampleLimit: mostSamples,
      endpoints: [
        {
          port: "http",
          path: "/metrics",
          scheme: "https",
          interval: criticalWorkloads.has(name) ? scrapeIntervals.critical : scrapeIntervals.usual,
          tlsConfig: {
            caFile: `${certificates}/root-cert.pem`,
            certFile: `${certificates}/cert-chain.pem`,
            keyFile: `${certificates}/key.pem`,
            // Replicas are read by address, and their certificates name accounts.
            insecureSkipVerify: true,
          },
        },
      ],
    },
  };
}

/** Reads Istio's proxies, which offer their metrics beside the mesh. */
export function proxyMonitor({ workloads }: ImageContract): Manifest {
  return {
    apiVersion,
    kind: "PodMonitor",
    metadata: { name: "proxies" },
    spec: {
      selector: {
        matchExpressions: [
          { key: "app", operator: "In", values: [...workloads.map(({ name }) => name), "ingress"] },
        ],
      },
      sampleLimit: 4 * mostSamples,
      podMetricsEndpoints: [
        {
          path: "/stats/prometheus",
          interval: scrapeIntervals.usual,
          relabelings: [
            {
              action: "keep",
              sourceLabels: ["__meta_kubernetes_pod_container_name"],
              regex: "istio-proxy",
            },
            {
              action: "replace",
              sourceLabels: ["__meta_kubernetes_pod_ip"],
              regex: "(.+)",
              replacement: `$1:${proxyMetricsPort}`,
              targetLabel: "__address__",
            },
          ],
        },
      ],
    },
  };
}

/** Lets Prometheus reach the proxies' metrics. */
export function proxyMetricsPolicy(): Manifest {
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": observabilityNamespace } };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "proxy-metrics" },
    spec: {
      podSelector: {},
      policyTypes: ["Ingress"],
      ingress: [{ from: [{ namespaceSelector }], ports: [{ port: proxyMetricsPort, protocol: "TCP" }] }],
    },
  };
}

/** The rules, as the operator loads them. */
export function prometheusRule(groups: readonly RuleGroup[]): Manifest {
  return { apiVersion, kind: "PrometheusRule", metadata: { name: "consciousness" }, spec: { groups } };
}

/** The routing of this environment's alerts; keys come from the Secret `alert-receivers`. */
export function alertRouting(): Manifest {
  const secret = (key: string) => ({ name: "alert-receivers", key });
  const times = ({ groupWait, groupInterval, repeatInterval }: Waiting) => ({
    groupWait,
    groupInterval,
    repeatInterval,
  });
  const matchers = (labels: Readonly<Record<string, string>>) =>
    Object.entries(labels).map(([name, value]) => ({ name, value, matchType: "=" }));
  return {
    apiVersion: "monitoring.coreos.com/v1alpha1",
    kind: "AlertmanagerConfig",
    metadata: { name: namespacePlaceholder },
    spec: {
      route: {
        receiver: "ticket",
        groupBy: [...grouping],
        ...times(waiting.ticket),
        routes: [{ receiver: "page", matchers: matchers({ severity: "page" }), ...times(waiting.page) }],
      },
      inhibitRules: inhibitions.map(({ source, target, equal }) => ({
        sourceMatch: matchers(source),
        targetMatch: matchers(target),
        equal: [...equal],
      })),
      receivers: [
        { name: "page", pagerdutyConfigs: [{ routingKey: secret("pager-key"), sendResolved: true }] },
        {
          name: "ticket",
          slackConfigs: [
            { apiURL: secret("chat-url"), channel: "#consciousness-alerts", sendResolved: true },
          ],
        },
      ],
    },
  };
}
