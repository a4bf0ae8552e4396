import type { Registry } from "prom-client";

/** Formats in which metrics are exposed. */
export type MetricsFormat = "prometheus" | "openmetrics";

const contentTypes = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const satisfies Record<MetricsFormat, string>;

/** The metrics of a process as text. */
export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

/** The format that an `Accept` header prefers (RFC 9110, section 12.5.1); Prometheus' own where it says nothing of ours. */
export function preferredFormat(accept: string | null): MetricsFormat {
  const ranges = (accept ?? "").split(",").map(readRange);
  const qualityOf = (...types: readonly string[]) =>
    Math.max(0, ...ranges.filter(({ type }) => types.includes(type)).map(({ quality }) => quality));
  const asked = qualityOf("application/openmetrics-text");
  return asked > 0 && asked >= qualityOf("text/plain", "text/*", "*/*") ? "openmetrics" : "prometheus";
}

function readRange(range: string): { readonly type: string; readonly quality: number } {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** Everything in the registries in one of the formats. Exemplars are in OpenMetrics alone. */
export async function exposeMetrics(
  registries: readonly Registry[],
  format: MetricsFormat,
): Promise<Exposition> {
  const contentType = contentTypes[format];
  if (format === "prometheus") {
    const bodies = await Promise.all(registries.map((registry) => registry.metrics()));
    return { contentType, body: bodies.join("\n") };
  }
  const families = registries.flatMap((registry) => registry.getMetricsAsArray()) as unknown as Readable[];
  // prom-client renames counters for good when it writes this format itself.
  const read = families.map(async (metric) => familyText(await metric.get()));
  return { contentType, body: `${(await Promise.all(read)).join("")}# EOF\n` };
}

/** What prom-client's types leave out of a metric. */
interface Readable {
  get(): Promise<Family>;
}

/** A metric as prom-client gives it. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

interface Sample {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
  readonly exemplar?: { readonly labelSet: Labels; readonly value: number; readonly timestamp: number };
}

type Labels = Readonly<Record<string, string | number>>;

const counterSuffix = "_total";

/** One family as the specification of OpenMetrics 1.0 has it: a counter is named without what its samples end with. */
function familyText({ name, help, type, values }: Family): string {
  const isCounter = type === "counter";
  const family = isCounter && name.endsWith(counterSuffix) ? name.slice(0, -counterSuffix.length) : name;
  const head = `# TYPE ${family} ${type}\n# HELP ${family} ${escaped(help)}\n`;
  const samples = values.map(({ metricName, labels, value, exemplar }) => {
    const sample = isCounter ? `${family}${counterSuffix}` : (metricName ?? name);
    const line = `${sample}${labelText(labels)} ${numberText(value)}`;
    if (!exemplar) return `${line}\n`;
    const { labelSet, value: seen, timestamp } = exemplar;
    return `${line} # ${labelText(labelSet) || "{}"} ${numberText(seen)} ${timestamp.toFixed(3)}\n`;
  });
  return head + samples.join("");
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}
