import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from "prom-client";
import { CallMeter, type ClientMeter, type ServerMeter } from "./call-meters.js";
import { Histogram, type Series } from "./histogram.js";
import { durations, type MetricSpec, metricCatalogue } from "./metric-catalogue.js";
import { metricLabels } from "./metric-labels.js";
import { boundLabels } from "./metric-spec.js";
import { type Exposition, exposeMetrics, type MetricsFormat } from "./open-metrics.js";

type Catalogue = typeof metricCatalogue;
type Spec = Catalogue[keyof Catalogue];

/** Every label of a metric with its value; no argument for a metric without labels. */
type Labels<S extends Spec> = S["labels"][number] extends never
  ? []
  : [labels: Readonly<Record<S["labels"][number], string>>];

type Accessor<S extends Spec> = S["type"] extends "counter"
  ? {
      add(...labels: Labels<S>): void;
      addMany(by: number, ...labels: Labels<S>): void;
      /** Counts in a plain number until metrics are read: for what happens at every call. */
      tally(...labels: Labels<S>): () => void;
    }
  : S["type"] extends "gauge"
    ? {
        change(by: number, ...labels: Labels<S>): void;
        set(value: number, ...labels: Labels<S>): void;
        /** Asks for the value whenever metrics are read. */
        readFrom(value: () => number, ...labels: Labels<S>): void;
      }
    : { observe(value: number, ...labels: Labels<S>): void; series(...labels: Labels<S>): Series };

/** The metrics of a process, one accessor each: `metrics.serverRequests.add({ service, method, code })`. */
export type Metrics = { readonly [K in keyof Catalogue]: Accessor<Catalogue[K]> } & {
  /** Counts the calls of a method here: the same meter each time. */
  serverMeter(method: ServedMethod): ServerMeter;
  /** Counts calls of a method of another workload: the same meter each time. */
  clientMeter(method: CalledMethod): ClientMeter;
  /** Everything, with the metrics of the process itself; in Prometheus' own format unless told otherwise. */
  expose(format?: MetricsFormat): Promise<Exposition>;
};

/** A method and the workload that serves it here. */
export interface ServedMethod {
  readonly workload: string;
  readonly service: string;
  readonly method: string;
}

/** A method of another workload. */
export interface CalledMethod {
  readonly peer: string;
  readonly method: string;
}

/** Makes the metrics of a process that runs these workloads. */
export function createMetrics(options: {
  readonly version: string;
  readonly workloads: readonly string[];
}): Metrics {
  const registry = new Registry();
  const accessors = Object.fromEntries(
    Object.entries(metricCatalogue).map(([key, spec]) => [key, accessor(spec, registry)]),
  ) as unknown as { readonly [K in keyof Catalogue]: Accessor<Catalogue[K]> };
  for (const workload of options.workloads) {
    accessors.buildInfo.set(1, { version: options.version, workload });
    accessors.serverInFlight.set(0, { workload });
  }
  const meters = new Map<string, CallMeter>();
  const meterOf = (labels: object, make: () => CallMeter): CallMeter => {
    const key = JSON.stringify(labels);
    const meter = meters.get(key) ?? make();
    meters.set(key, meter);
    return meter;
  };
  return {
    ...accessors,
    serverMeter: ({ workload, service, method }) =>
      meterOf({ workload, service, method }, () => {
        const { serverRequests, serverInFlight, serverDuration } = accessors;
        return new CallMeter({
          countCalls: (code, calls) => serverRequests.addMany(calls, { service, method, code }),
          changeInFlight: (by) => serverInFlight.change(by, { workload }),
          durations: () => serverDuration.series({ service, method }),
        });
      }),
    clientMeter: ({ peer, method }) =>
      meterOf({ peer, method }, () => {
        const { clientRequests, clientDuration } = accessors;
        return new CallMeter({
          countCalls: (code, calls) => clientRequests.addMany(calls, { peer, method, code }),
          durations: () => clientDuration.series({ peer, method }),
        });
      }),
    expose: (format = "prometheus") => {
      for (const meter of meters.values()) meter.flush();
      return exposeMetrics([registry, processRegistry()], format);
    },
  };
}

function accessor({ name, help, type, labels, ...rest }: MetricSpec, registry: Registry) {
  const common = { name, help, labelNames: [...labels], registers: [registry] };
  const bound = boundLabels(labels, metricLabels);
  switch (type) {
    case "counter": {
      const tallies: (() => void)[] = [];
      const counter = new Counter({ ...common, collect: () => runAll(tallies) });
      return {
        add: (values = {}) => counter.inc(bound(values)),
        addMany: (by: number, values = {}) => counter.inc(bound(values), by),
        tally(values = {}) {
          let counted = 0;
          tallies.push(() => {
            counter.inc(bound(values), counted);
            counted = 0;
          });
          return () => {
            counted += 1;
          };
        },
      };
    }
    case "gauge": {
      const readers: (() => void)[] = [];
      const gauge = new Gauge({ ...common, collect: () => runAll(readers) });
      return {
        change: (by: number, values = {}) => gauge.inc(bound(values), by),
        set: (value: number, values = {}) => gauge.set(bound(values), value),
        readFrom: (value: () => number, values = {}) =>
          void readers.push(() => gauge.set(bound(values), value())),
      };
    }
    case "histogram": {
      const histogram = new Histogram({ name, help, labelNames: labels, buckets: rest.buckets ?? durations });
      // The registry only asks metrics for their name and what they hold.
      registry.registerMetric(histogram as unknown as Metric);
      return {
        observe: (value: number, values = {}) => histogram.series(bound(values)).observe(value),
        series: (values = {}) => histogram.series(bound(values)),
      };
    }
  }
}

function runAll(all: readonly (() => void)[]): void {
  for (const run of all) run();
}

let ofProcess: Registry | undefined;

/** Memory, processor, event loop and garbage collection: one set, since there is one process. */
function processRegistry(): Registry {
  if (!ofProcess) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}
