/** What a parameter is, so that each engine can be told. */
export type ParameterType = "text" | "texts" | "number" | "integer" | "time";

/** A value that a statement takes beside its text. `integer` is exact up to 2^53. */
export type Parameter =
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "texts"; readonly value: readonly string[] }
  | { readonly type: "number" | "integer"; readonly value: number }
  | { readonly type: "time"; readonly value: Date };

/** SQL whose text holds no value of anybody. */
export interface Statement {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/**
 * Where rows come from: names of tables, or queries in parentheses, of our own.
 *
 * Columns of decisions: tenant_id, decision_id, request_id, time, arrive_time,
 * agent_id, user_pseudonym, verdict, rule_ids (list), model_version,
 * policy_digest, composer, cached, each of the figures by its name, stages and
 * frameworks (maps of numbers). Columns of labels, one row for each feedback:
 * tenant_id, decision_id, labels (list). Text compares byte by byte.
 */
export interface Source {
  readonly decisions: string;
  readonly labels: string;
}

/**
 * How an engine writes what SQL has no word for. Arguments and results are
 * expressions; `list` is a list of texts, `map` one from text to number.
 */
export interface Dialect {
  /** The parameter at the position, 0 for the first, cast to its type. */
  parameter(position: number, type: ParameterType): string;
  /** Milliseconds since the Unix epoch, as a 64-bit integer. */
  epochMs(time: string): string;
  /**
   * A calendar without zones: the first millisecond of the month that holds the
   * given one. Both are counted as if the clock showed UTC.
   */
  startOfMonth(ms: string): string;
  /** The value of the key, null where there is none. */
  entry(map: string, key: string): string;
  /** The keys as a list. */
  keys(map: string): string;
  /** The elements, in the list of a SELECT, which then has a row for each and none for an empty list. */
  elements(list: string): string;
  /** Whether the value is an element. */
  isOneOf(value: string, list: string): string;
  /** Whether any element of one is an element of the other. */
  overlap(list: string, other: string): string;
  /** An aggregate: interpolated between the closest ranks, without nulls. The fraction is 0..1. */
  percentile(value: string, fraction: string): string;
  /**
   * The same of several fractions at once, as an array that counts from 1, null
   * of no values: where an engine then sorts the values once, and not each time.
   */
  percentiles?(value: string, fractions: readonly string[]): string;
}
