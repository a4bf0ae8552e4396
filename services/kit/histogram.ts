import { recordedTrace } from "./spans.js";

/** Labels of a series, by name. */
export type SeriesLabels = Readonly<Record<string, string>>;

/** What a histogram is made of. */
export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, ascending, in the histogram's unit. */
  readonly buckets: readonly number[];
  readonly labelNames: readonly string[];
}

/** One set of labels of a histogram. */
export interface Series {
  observe(value: number): void;
}

/** A value that was observed within a trace that is recorded. */
interface Exemplar {
  readonly labelSet: { readonly trace_id: string; readonly span_id: string };
  readonly value: number;
  /** Seconds of the epoch. */
  readonly timestamp: number;
}

/**
 * A histogram for prom-client's registry whose series are looked up once, as
 * looking them up costs more than counting. Exposed as Prometheus has it:
 * cumulative buckets, their sum and their count, and with each bucket the latest
 * value in it whose trace is recorded.
 */
export class Histogram {
  readonly name: string;
  readonly #options: HistogramOptions;
  readonly #series = new Map<string, Tally>();

  constructor(options: HistogramOptions) {
    this.name = options.name;
    this.#options = options;
    if (options.labelNames.length === 0) this.series({});
  }

  /** The series of these labels. */
  series(labels: SeriesLabels): Series {
    const { labelNames, buckets } = this.#options;
    const key = labelNames.map((name) => labels[name] ?? "").join("\u0000");
    const series = this.#series.get(key) ?? new Tally(labels, buckets);
    this.#series.set(key, series);
    return series;
  }

  /** Everything, as prom-client's registry asks for it. */
  async get() {
    const values = [...this.#series.values()].flatMap((series) => series.values(this.name));
    return { name: this.name, help: this.#options.help, type: "histogram", values, aggregator: "sum" };
  }
}

class Tally implements Series {
  readonly #labels: SeriesLabels;
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  /** One for each bucket, and one beyond them. */
  readonly #exemplars: (Exemplar | undefined)[] = [];
  #sum = 0;
  #count = 0;

  constructor(labels: SeriesLabels, bounds: readonly number[]) {
    this.#labels = labels;
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    // A measurement must never fail the call that it measures.
    if (!Number.isFinite(value)) return;
    this.#sum += value;
    this.#count += 1;
    const at = this.#bucketOf(value);
    if (at < this.#bounds.length) this.#counts[at]! += 1;
    const trace = recordedTrace();
    if (!trace) return;
    const labelSet = { trace_id: trace.traceId, span_id: trace.spanId };
    this.#exemplars[at] = { labelSet, value, timestamp: Date.now() / 1000 };
  }

  #bucketOf(value: number): number {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at += 1;
    return at;
  }

  values(name: string) {
    let below = 0;
    const buckets = this.#bounds.map((bound, at) => {
      below += this.#counts[at] ?? 0;
      return this.#bucket(name, { le: bound, value: below, exemplar: this.#exemplars[at] });
    });
    const beyond = { le: "+Inf", value: this.#count, exemplar: this.#exemplars[this.#bounds.length] };
    return [
      ...buckets,
      this.#bucket(name, beyond),
      { metricName: `${name}_sum`, labels: this.#labels, value: this.#sum },
      { metricName: `${name}_count`, labels: this.#labels, value: this.#count },
    ];
  }

  #bucket(name: string, { le, value, exemplar }: Bucket) {
    return {
      metricName: `${name}_bucket`,
      labels: { le, ...this.#labels },
      value,
      ...(exemplar && { exemplar }),
    };
  }
}

interface Bucket {
  readonly le: number | string;
  /** How many values are within it or a smaller one. */
  readonly value: number;
  readonly exemplar: Exemplar | undefined;
}
