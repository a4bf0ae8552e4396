/** One segment of a path template; a literal's text is decoded. */
export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "*" }
  | { readonly kind: "**" };

/** A variable of a template: the field it sets, and the segments it captures. */
export interface Variable {
  readonly path: readonly string[];
  /** Index of its first segment, and the index after its last one. */
  readonly start: number;
  readonly end: number;
  /** Where its field path stands in the template, from 1. */
  readonly column: number;
}

/** A parsed `google.api.http` path template. */
export interface Template {
  readonly segments: readonly Segment[];
  readonly variables: readonly Variable[];
  /** Without its colon, decoded; empty when there is none. */
  readonly verb: string;
}

/** The template, or the first thing wrong with it and its column, from 1. */
export type ParsedTemplate =
  | { readonly ok: true; readonly template: Template }
  | { readonly ok: false; readonly column: number; readonly problem: string };

/**
 * Parses a path template by the grammar of google/api/http.proto:
 * `"/" segment { "/" segment } [ ":" verb ]`. Beyond the grammar, literals may
 * follow `**`.
 */
export function parseTemplate(text: string): ParsedTemplate {
  const parser = new Parser(text);
  try {
    return { ok: true, template: parser.parse() };
  } catch (error) {
    if (error instanceof TemplateProblem) return { ok: false, column: error.column, problem: error.message };
    throw error;
  }
}

/** The template as text, in its canonical spelling. */
export function printTemplate({ segments, variables, verb }: Template): string {
  const printed: string[] = [];
  for (let index = 0; index < segments.length; ) {
    const variable = variables.find(({ start, end }) => start === index && end > start);
    const end = variable?.end ?? index + 1;
    const part = segments.slice(index, end).map(printSegment).join("/");
    printed.push(variable ? printVariable(variable, part) : part);
    index = end;
  }
  return `/${printed.join("/")}${verb && `:${printLiteral(verb)}`}`;
}

/** What two templates share when they match the same paths: variables erased, literals spelled alike. */
export function templateShape({ segments, verb }: Template): string {
  return printTemplate({ segments, variables: [], verb });
}

function printVariable({ path }: Variable, pattern: string): string {
  const name = path.join(".");
  return pattern === "*" ? `{${name}}` : `{${name}=${pattern}}`;
}

function printSegment(segment: Segment): string {
  return segment.kind === "literal" ? printLiteral(segment.text) : segment.kind;
}

function printLiteral(text: string): string {
  return encodeURIComponent(text).replaceAll("*", "%2A");
}

class TemplateProblem extends Error {
  constructor(
    readonly column: number,
    problem: string,
  ) {
    super(problem);
  }
}

const literalCharacter = /[A-Za-z0-9\-._~!$&'()+,;=@%]/;
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

class Parser {
  private at = 0;
  private readonly segments: Segment[] = [];
  private readonly variables: Variable[] = [];

  constructor(private readonly text: string) {}

  parse(): Template {
    if (this.peek() !== "/") this.fail('a template starts with "/"');
    do {
      this.at++;
      this.segment();
    } while (this.peek() === "/");
    const verb = this.peek() === ":" ? this.verb() : "";
    if (this.at < this.text.length) this.fail(`unexpected ${JSON.stringify(this.peek())}`);
    return { segments: this.segments, variables: this.variables, verb };
  }

  private segment(): void {
    if (this.peek() === "{") this.variable();
    else this.plainSegment();
    const next = this.peek();
    if (next && next !== "/" && next !== ":") {
      this.fail(`unexpected ${JSON.stringify(next)} after a segment`);
    }
  }

  private variable(): void {
    const open = this.at++;
    const column = this.at + 1;
    const path = this.fieldPath();
    const start = this.segments.length;
    if (this.peek() === "=") {
      do {
        this.at++;
        if (this.peek() === "{") this.fail("a variable cannot contain a variable");
        this.plainSegment();
      } while (this.peek() === "/");
    } else {
      this.addWildcard("*", open);
    }
    if (!this.peek()) this.fail("this variable is never closed", open);
    if (this.peek() !== "}") this.fail(`unexpected ${JSON.stringify(this.peek())} in a variable`);
    this.at++;
    this.variables.push({ path, start, end: this.segments.length, column });
  }

  private fieldPath(): string[] {
    const from = this.at;
    while (this.peek() && !"=}/:{".includes(this.peek())) this.at++;
    const path = this.text.slice(from, this.at).split(".");
    let column = from;
    for (const name of path) {
      if (!identifier.test(name)) this.fail(`${JSON.stringify(name)} is not a field name`, column);
      column += name.length + 1;
    }
    return path;
  }

  private plainSegment(): void {
    const from = this.at;
    if (this.text.startsWith("**", from)) {
      this.at += 2;
      this.addWildcard("**", from);
    } else if (this.peek() === "*") {
      this.at++;
      this.addWildcard("*", from);
    } else {
      const text = this.literal();
      if (text === "") this.fail("a segment is empty");
      this.segments.push({ kind: "literal", text });
    }
  }

  private addWildcard(kind: "*" | "**", from: number): void {
    if (this.segments.some((segment) => segment.kind === "**")) {
      this.fail('only literals may follow "**"', from);
    }
    this.segments.push({ kind });
  }

  private verb(): string {
    this.at++;
    const verb = this.literal();
    if (verb === "") this.fail("the verb is empty");
    if (this.peek() === "/") this.fail("the verb ends a template");
    return verb;
  }

  private literal(): string {
    const from = this.at;
    while (this.peek() && literalCharacter.test(this.peek())) this.at++;
    const raw = this.text.slice(from, this.at);
    if (this.peek() && !"/:{}*".includes(this.peek())) {
      this.fail(`${JSON.stringify(this.peek())} must be percent-encoded`);
    }
    try {
      return decodeURIComponent(raw);
    } catch {
      return this.fail("a broken percent-escape", from + raw.indexOf("%"));
    }
  }

  private peek(): string {
    return this.text.charAt(this.at);
  }

  private fail(problem: string, at = this.at): never {
    throw new TemplateProblem(at + 1, problem);
  }
}
