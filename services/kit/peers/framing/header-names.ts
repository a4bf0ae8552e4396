import { nameProblem } from "./field-rules.js";
import { staticFields } from "./static-table.js";

/**
 * How values of a name are written (RFC 7541, section 6.2): `repeated` ones
 * enter the dynamic table, `passing` ones would only drive others out of it, and
 * `secret` ones must not be found by trying what makes a block shorter
 * (section 7.1), neither here nor by anybody who writes them anew.
 */
export type Indexing = "repeated" | "passing" | "secret";

const passingNames: ReadonlySet<string> = new Set([
  "baggage",
  "content-length",
  "date",
  "etag",
  "grpc-timeout",
  "idempotency-key",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "traceparent",
  "tracestate",
  "x-request-id",
]);

/** Parts of the names of fields that prove who somebody is. */
const secretWords = [
  "authorization",
  "cookie",
  "credential",
  "key",
  "password",
  "secret",
  "session",
  "token",
];

/** Names whose state is kept; beyond them, those that no entry of the table has are forgotten. */
const namesKept = 128;
/** Values of a name that have been seen once, and would enter the table when seen again. */
const valuesKept = 8;

/** What an encoder knows of one name. */
export class HeaderName {
  readonly text: string;
  readonly indexing: Indexing;
  /** Index in the static table with any value; 0 for none. */
  readonly staticIndex: number;
  /** Indexes in the static table by value; none for most names. */
  readonly staticValues: ReadonlyMap<string, number> | undefined;
  /** Numbers of entries in the dynamic table by value. */
  readonly entries = new Map<string, number>();
  readonly #seen = new Set<string>();

  /** Throws for what no field may be called. */
  constructor(text: string) {
    const problem = nameProblem(text);
    if (problem) throw new TypeError(problem);
    this.text = text;
    this.indexing = indexingOf(text);
    this.staticIndex = staticFields.findIndex(([name]) => name === text) + 1;
    this.staticValues = staticValuesOf(text);
  }

  /** Whether the value was seen before; remembers it. */
  seenAgain(value: string): boolean {
    if (this.#seen.delete(value)) return true;
    if (this.#seen.size >= valuesKept) this.#seen.clear();
    this.#seen.add(value);
    return false;
  }
}

/** The names that an encoder has met. What callers make up cannot make it grow. */
export class HeaderNames {
  readonly #known = new Map<string, HeaderName>();

  /** Throws for what no field may be called. */
  of(text: string): HeaderName {
    return this.#known.get(text) ?? this.#learn(text);
  }

  get count(): number {
    return this.#known.size;
  }

  #learn(text: string): HeaderName {
    const name = new HeaderName(text);
    if (this.#known.size >= namesKept) {
      for (const [key, { entries }] of this.#known) if (entries.size === 0) this.#known.delete(key);
    }
    this.#known.set(text, name);
    return name;
  }
}

function indexingOf(name: string): Indexing {
  if (passingNames.has(name)) return "passing";
  return secretWords.some((word) => name.includes(word)) ? "secret" : "repeated";
}

function staticValuesOf(text: string): ReadonlyMap<string, number> | undefined {
  const values = new Map<string, number>();
  for (const [index, [name, value]] of staticFields.entries()) {
    if (name === text && value !== "") values.set(value, index + 1);
  }
  return values.size > 0 ? values : undefined;
}
