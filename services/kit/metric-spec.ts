/** What a metric is. */
export interface MetricSpec {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** What the value counts; Prometheus' base units. */
  readonly unit:
    | "calls"
    | "requests"
    | "seconds"
    | "ratio"
    | "failures"
    | "lines"
    | "info"
    | "events"
    | "reads"
    | "tokens"
    | "currency"
    | "texts"
    | "spans"
    | "agents"
    | "conversations"
    | "boolean";
  /** Label values come from closed sets: methods, codes, verdicts; never ids or text. */
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, in its unit. */
  readonly buckets?: readonly number[];
}

/** What a label says, and how many values of it one process may expose. */
export interface LabelSpec {
  readonly meaning: string;
  /** Further values are exposed as `other`. */
  readonly most: number;
}

/** What stands for the values of a label beyond its bound. */
export const otherValue = "other";

/**
 * Keeps a metric's labels within their bounds: whatever a caller manages to
 * get into a label, the series that it makes are bounded.
 */
export function boundLabels(
  names: readonly string[],
  specs: Readonly<Record<string, LabelSpec>>,
): (values: Readonly<Record<string, string>>) => Readonly<Record<string, string>> {
  const labels = names.map((name) => ({ name, most: specs[name]?.most ?? 1, known: new Set<string>() }));
  return (values) => {
    let bounded: Record<string, string> | undefined;
    for (const { name, most, known } of labels) {
      const value = values[name] ?? "";
      if (known.has(value)) continue;
      if (known.size < most) known.add(value);
      else {
        bounded ??= { ...values };
        bounded[name] = otherValue;
      }
    }
    return bounded ?? values;
  };
}
