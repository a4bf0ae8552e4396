import type { Duration } from "./durations.js";

/** What a Prometheus without an operator reads. */
export interface PrometheusOptions {
  /** `host:port` of each workload, by job. */
  readonly targets: Readonly<Record<string, readonly string[]>>;
  /** A file with METRICS_TOKEN of the workloads. */
  readonly tokenFile: string;
  readonly rulesFile: string;
  /** `host:port` of Alertmanager. */
  readonly alertmanager: string;
  readonly interval?: Duration;
}

/** Configuration of a Prometheus that reads the workloads and evaluates the rules. */
export function prometheusConfig(options: PrometheusOptions) {
  const { interval = scrapeIntervals.usual } = options;
  return {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [options.rulesFile],
    alerting: { alertmanagers: [{ static_configs: [{ targets: [options.alertmanager] }] }] },
    scrape_configs: Object.entries(options.targets).map(([job, targets]) => ({
      job_name: job,
      authorization: { credentials_file: options.tokenFile },
      sample_limit: mostSamples,
      static_configs: [{ targets: [...targets] }],
    })),
  };
}

/** Between two readings: of what callers wait for, and of the rest. */
export const scrapeIntervals = { critical: "5s", usual: "15s" } as const satisfies Record<string, Duration>;

/** Workloads that callers wait for. */
export const criticalWorkloads: ReadonlySet<string> = new Set(["gateway", "engine"]);

/** A process with more samples than this is not read: test/kit/metrics.test.ts bounds it below. */
export const mostSamples = 20_000;
