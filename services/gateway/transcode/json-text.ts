/** A number as written, kept because a double may not hold it exactly. */
export class NumberText {
  constructor(readonly text: string) {}
}

/** What JSON text holds, with numbers that a double may round as text. */
export type ExactJson =
  | null
  | boolean
  | number
  | string
  | NumberText
  | ExactJson[]
  | { [name: string]: ExactJson };

/** The value of a text, or why it is not JSON, with line and column. */
export type ParsedJson =
  | { readonly ok: true; readonly json: ExactJson }
  | { readonly ok: false; readonly problem: string };

/**
 * Parses JSON (RFC 8259), refusing what `JSON.parse` lets pass: names given
 * twice, nesting beyond `maxDepth`, and names that a JavaScript object cannot
 * hold. Problems quote nothing of the text but single characters, as it may be secret.
 */
export function parseJson(text: string, maxDepth: number): ParsedJson {
  const parser = new Parser(text, maxDepth);
  try {
    return { ok: true, json: parser.parse() };
  } catch (error) {
    if (error instanceof JsonProblem)
      return { ok: false, problem: `${error.message} ${place(text, error.at)}` };
    throw error;
  }
}

const backslash = 92;

/** Any number of so many digits fits a double. */
export const exactDigits = 15;
/** Index of the quote that ends the string beginning at `start`; -1 when none does. */
export function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return -1;
}

/** Digits, point, signs and exponent marks. */
export function isNumberPart(code: number): boolean {
  return (code >= 48 && code <= 57) || code === 46 || code === 43 || code === 45 || (code | 32) === 101;
}

/** Whether a number of few digits has no exponent, so that a double holds it. */
export function isDouble(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((text.charCodeAt(at) | 32) === 101) return false;
  return true;
}

/** What JSON calls whitespace. */
export function isSpace(code: number): boolean {
  return code === 32 || code === 10 || code === 13 || code === 9;
}

function place(text: string, at: number): string {
  const before = text.slice(0, at);
  const line = before.split("\n").length;
  return `at line ${line}, column ${at - before.lastIndexOf("\n")}`;
}

class JsonProblem extends Error {
  constructor(
    readonly at: number,
    problem: string,
  ) {
    super(problem);
  }
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly maxDepth: number,
  ) {}

  parse(): ExactJson {
    const json = this.value(0);
    if (this.next() !== "") this.fail("something follows the end of the JSON");
    return json;
  }

  private value(depth: number): ExactJson {
    const first = this.next();
    if (first === "{" || first === "[") {
      if (depth === this.maxDepth) this.fail(`nested deeper than ${this.maxDepth}`);
      return first === "{" ? this.object(depth + 1) : this.list(depth + 1);
    }
    if (first === '"') return this.string();
    if (first === "-" || (first >= "0" && first <= "9")) return this.number();
    return this.word();
  }

  private object(depth: number): ExactJson {
    const fields: { [name: string]: ExactJson } = {};
    this.at++;
    if (this.next() === "}") return this.close(fields);
    for (;;) {
      if (this.next() !== '"') this.fail("expected a name in quotes");
      const from = this.at;
      const name = this.string();
      if (Object.hasOwn(fields, name)) this.fail("a name given twice", from);
      if (name === "__proto__") this.fail("the name __proto__ cannot be used", from);
      if (this.next() !== ":") this.fail('expected ":"');
      this.at++;
      fields[name] = this.value(depth);
      if (this.next() === "}") return this.close(fields);
      if (this.next() !== ",") this.fail('expected "," or "}"');
      this.at++;
    }
  }

  private list(depth: number): ExactJson {
    const items: ExactJson[] = [];
    this.at++;
    if (this.next() === "]") return this.close(items);
    for (;;) {
      items.push(this.value(depth));
      if (this.next() === "]") return this.close(items);
      if (this.next() !== ",") this.fail('expected "," or "]"');
      this.at++;
    }
  }

  private close<T>(value: T): T {
    this.at++;
    return value;
  }

  private string(): string {
    const end = stringEnd(this.text, this.at);
    if (end < 0) this.fail("this string never ends");
    const raw = this.text.slice(this.at, end + 1);
    try {
      const value = JSON.parse(raw) as string;
      this.at = end + 1;
      return value;
    } catch {
      return this.fail("this string has a control character or a broken escape");
    }
  }

  private number(): number | NumberText {
    numberPattern.lastIndex = this.at;
    const text = numberPattern.exec(this.text)?.[0];
    if (text === undefined || isNumberPart(this.text.charCodeAt(this.at + text.length))) {
      return this.fail("this is not a number");
    }
    this.at += text.length;
    const digits = text.startsWith("-") ? text.length - 1 : text.length;
    const exact = digits <= exactDigits && isDouble(text, 0, text.length);
    return exact ? Number(text) : new NumberText(text);
  }

  private word(): true | false | null {
    for (const [word, value] of words) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.fail("expected a value");
  }

  /** The next character that is no space; empty at the end. */
  private next(): string {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++;
    return this.text.charAt(this.at);
  }

  private fail(problem: string, at = this.at): never {
    throw new JsonProblem(at, problem);
  }
}

const words = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;
