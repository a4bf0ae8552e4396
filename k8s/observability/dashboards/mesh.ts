import { type Dashboard, graph, type Query, shownWindow } from "./panel.js";

/**
 * Metrics of Istio's proxies, by the names of its standard metrics
 * (istio.io, "Istio Standard Metrics"), with the labels that we ask for.
 */
export const proxyMetrics: Readonly<Record<string, readonly string[]>> = {
  istio_requests_total: [
    "reporter",
    "source_workload",
    "destination_workload",
    "response_code",
    "response_flags",
    "connection_security_policy",
  ],
  istio_request_duration_milliseconds_bucket: ["reporter", "source_workload", "destination_workload", "le"],
};

// Each request is counted on both sides; the callee's proxy knows whether it came in by mTLS.
const received = 'namespace=~"$namespace",reporter="destination"';
const edge = "{{source_workload}} → {{destination_workload}}";

/** Who calls whom through the proxies, how fast, and what they refuse. */
export const mesh: Dashboard = {
  uid: "consciousness-mesh",
  title: "Consciousness Engine: mesh",
  offeredBy: "istio_requests_total",
  rows: [
    {
      title: "Calls between workloads",
      panels: [
        graph(
          "Calls",
          "reqps",
          [callsReceived("source_workload, destination_workload", "", edge)],
          "By caller and callee.",
        ),
        graph(
          "Faults",
          "reqps",
          [
            callsReceived(
              "source_workload, destination_workload, response_flags",
              'response_code=~"5.."',
              `${edge} {{response_flags}}`,
            ),
          ],
          "Answers of class 5, with the flags by which proxies say why.",
        ),
        graph(
          "Time, 99th percentile",
          "ms",
          [
            {
              expr: `histogram_quantile(0.99, sum by (source_workload, destination_workload, le) (rate(istio_request_duration_milliseconds_bucket{${received}}[${shownWindow}])))`,
              legend: edge,
            },
          ],
          "As the callee's proxy measures it.",
        ),
      ],
    },
    {
      title: "Identity",
      panels: [
        graph(
          "Refused by authorization",
          "reqps",
          [callsReceived("source_workload, destination_workload", 'response_code="403"', edge)],
          "Calls along no edge of the call graph, and callers without a permission.",
        ),
        graph(
          "Without mutual TLS",
          "reqps",
          [
            callsReceived(
              "source_workload, destination_workload",
              'connection_security_policy!="mutual_tls"',
              edge,
            ),
          ],
          "None but scrapes and probes should be here.",
        ),
      ],
    },
  ],
};

function callsReceived(labels: string, matchers: string, legend: string): Query {
  const selected = matchers === "" ? received : `${received},${matchers}`;
  return { expr: `sum by (${labels}) (rate(istio_requests_total{${selected}}[${shownWindow}]))`, legend };
}
