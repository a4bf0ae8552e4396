import { parseDocument } from "yaml";

/** Stands in messages for what may be secret. */
const hidden = "(hidden)";

/** One thing that is wrong with the configuration. */
export interface ConfigProblem {
  readonly name: string;
  readonly value: string;
  readonly expected: string;
}

/** All that is wrong with the configuration, at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(({ name, value, expected }) => `${name}=${value}: expected ${expected}`).join("\n"));
  }
}

/** How one setting is read from text. */
export interface Setting<T> {
  /** What a value has to be, for the message when it is not. */
  readonly expected: string;
  /** The value, or undefined when the text is none. */
  readonly parse: (text: string) => T | undefined;
  /** Used when the setting is not given; undefined means that it must be. */
  readonly fallback: { readonly value: T } | undefined;
  /** Whether a value may be shown in messages. */
  readonly secret: boolean;
}

interface Options<T> {
  readonly fallback?: T;
  readonly secret?: boolean;
}

function setting<T>(
  expected: string,
  parse: (text: string) => T | undefined,
  options: Options<T>,
): Setting<T> {
  const fallback = "fallback" in options ? { value: options.fallback as T } : undefined;
  return { expected, parse, fallback, secret: options.secret ?? false };
}

/** A number from `min` to `max`. */
export function number(min: number, max: number, options: Options<number> = {}): Setting<number> {
  const parse = (text: string) => inRange(/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined, min, max);
  return setting(`a number from ${min} to ${max}`, parse, options);
}

/** A whole number from `min` to `max`. */
export function integer(min: number, max: number, options: Options<number> = {}): Setting<number> {
  const parse = (text: string) => inRange(/^-?\d+$/.test(text) ? Number(text) : undefined, min, max);
  return setting(`a whole number from ${min} to ${max}`, parse, options);
}

/** `true` or `false`. */
export function flag(options: Options<boolean> = {}): Setting<boolean> {
  const parse = (text: string) => (text === "true" ? true : text === "false" ? false : undefined);
  return setting("true or false", parse, options);
}

/** One of the given words. */
export function oneOf<const W extends string>(words: readonly W[], options: Options<W> = {}): Setting<W> {
  return setting(`one of ${words.join(", ")}`, (text) => words.find((word) => word === text), options);
}

/** Any text; `expected` and `accept` narrow it. */
export function text(
  options: Options<string> & { expected?: string; accept?: (text: string) => boolean } = {},
): Setting<string> {
  const accept = options.accept ?? (() => true);
  return setting(options.expected ?? "a text", (value) => (accept(value) ? value : undefined), options);
}

/** A text that may be left out. */
export function optionalText(options: { secret?: boolean } = {}): Setting<string | undefined> {
  return setting<string | undefined>("a text", (value) => value, { ...options, fallback: undefined });
}

/** JSON that `accept` turns into a value, or into undefined when it does not fit. */
export function json<T>(
  expected: string,
  accept: (value: unknown) => T | undefined,
  options: Options<T> = {},
) {
  const parse = (value: string) => {
    try {
      return accept(JSON.parse(value));
    } catch {
      return undefined;
    }
  };
  return setting(expected, parse, options);
}

function inRange(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

type Values<S extends Record<string, Setting<unknown>>> = {
  readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never;
};

/**
 * Reads settings by name: environment variables, above a YAML file, above
 * defaults. Collects what is wrong until `finish` throws all of it.
 */
export interface ConfigSource {
  /** The values of `settings`, whose keys are environment variables. A wrong one gets its fallback for now. */
  read<S extends Record<string, Setting<unknown>>>(settings: S): Values<S>;
  /** Adds a problem that concerns several settings. */
  refuse(problem: ConfigProblem): void;
  /**
   * Throws `ConfigError` when anything was wrong, names in the file that nobody
   * read included. Names that begin with one of `elsewhere` belong to processes
   * that run apart and read the same file.
   */
  finish(elsewhere?: readonly string[]): void;
}

/** A source over an environment and the text of a YAML file, whose nested keys join with `_`: `engine: {port: 1}` is `ENGINE_PORT`. */
export function configSource(
  environment: Readonly<Record<string, string | undefined>>,
  yaml: string = "",
): ConfigSource {
  const problems: ConfigProblem[] = [];
  const file = flatten(parseYaml(yaml, problems));
  const unread = new Set(file.keys());

  const readOne = (name: string, { expected, parse, fallback, secret }: Setting<unknown>): unknown => {
    unread.delete(name);
    const given = environment[name] || file.get(name);
    if (!given) {
      if (!fallback) problems.push({ name, value: "", expected });
      return fallback?.value;
    }
    const value = parse(given);
    if (value === undefined) problems.push({ name, value: secret ? hidden : given, expected });
    return value ?? fallback?.value;
  };

  return {
    read: (settings) =>
      Object.fromEntries(Object.entries(settings).map(([name, one]) => [name, readOne(name, one)])) as never,
    refuse: (problem) => problems.push(problem),
    finish(elsewhere = []) {
      for (const name of unread) {
        if (elsewhere.some((prefix) => name.startsWith(prefix))) continue;
        // Nobody knows whether what stands there is a secret.
        problems.push({ name, value: hidden, expected: "a setting that exists" });
      }
      if (problems.length > 0) throw new ConfigError(problems);
    },
  };
}

function parseYaml(yaml: string, problems: ConfigProblem[]): object {
  const document = parseDocument(yaml);
  const tree: unknown = document.errors.length > 0 ? undefined : document.toJS();
  if (typeof tree === "object" && tree !== null && !Array.isArray(tree)) return tree;
  // An error's text would quote the file, secrets included.
  const at = document.errors[0]?.linePos?.[0].line;
  const value = at === undefined ? hidden : `line ${at}`;
  if (at !== undefined || (tree !== null && tree !== undefined)) {
    problems.push({ name: "CONFIG", value, expected: "a YAML file of names and values" });
  }
  return {};
}

function flatten(tree: unknown, prefix = ""): Map<string, string> {
  if (tree === null) return new Map([[prefix, ""]]);
  if (typeof tree !== "object") return new Map([[prefix, String(tree)]]);
  if (Array.isArray(tree)) return new Map([[prefix, JSON.stringify(tree)]]);
  const entries = Object.entries(tree).flatMap(([key, value]) => [
    ...flatten(value, `${prefix}${prefix ? "_" : ""}${key.toUpperCase()}`),
  ]);
  return new Map(entries);
}
