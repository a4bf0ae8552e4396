import { type DescField, type DescMethod, type DescService, getOption, hasOption } from "@bufbuild/protobuf";
import { http as httpOption } from "#gen/ts/google/api/annotations_pb.js";
import type { HttpRule } from "#gen/ts/google/api/http_pb.js";
import { fieldOf, nameHint } from "./field-name.js";
import { type TextReader, textReader } from "./field-value.js";
import { parseTemplate, type Template, templateShape, type Variable } from "./template.js";

/** What is wrong with a method's annotation. */
export interface RouteProblem {
  readonly method: DescMethod;
  readonly httpMethod: string;
  /** The template as written; empty when the rule has none. */
  readonly template: string;
  /** Where in the template, from 1; absent when the problem lies elsewhere in the rule. */
  readonly column?: number;
  readonly problem: string;
}

/** A template's variable, resolved against the request. */
export interface BoundVariable {
  /** Proto names, with dots. */
  readonly name: string;
  readonly fields: readonly DescField[];
  readonly read: TextReader;
  readonly start: number;
  /** Counted back from the path's end, so that `**` may be of any length. */
  readonly fromEnd: number;
  /** It is one segment and not `**`: `%2F` in it is data. */
  readonly single: boolean;
}

/** One HTTP rule of a method, checked and resolved. */
export interface Route {
  readonly method: DescMethod;
  /** Upper case as on the wire; `*` for every method. */
  readonly httpMethod: string;
  /** The template as written. */
  readonly text: string;
  readonly template: Template;
  readonly variables: readonly BoundVariable[];
  /** What the body is: nothing, the whole request, or one field of it. */
  readonly body: undefined | "*" | DescField;
  /** The field that is the whole response body. */
  readonly responseField: DescField | undefined;
}

/** Every route that the annotations make, and all that is wrong with them, conflicts included. */
export function planRoutes(services: Iterable<DescService>): { routes: Route[]; problems: RouteProblem[] } {
  const routes: Route[] = [];
  const problems: RouteProblem[] = [];
  for (const service of services) {
    for (const method of service.methods) {
      if (!hasOption(method, httpOption)) continue;
      for (const rule of bindings(method, getOption(method, httpOption), problems)) {
        const route = planRoute(method, rule, problems);
        if (route) routes.push(route);
      }
    }
  }
  return { routes, problems: [...problems, ...conflicts(routes)] };
}

/** A problem in one line: method, rule, column, what is wrong. */
export function describeProblem({ method, httpMethod, template, column, problem }: RouteProblem): string {
  const rule = httpMethod === "" ? "" : ` ${httpMethod} ${template}`;
  const where = column === undefined ? "" : `, column ${column}`;
  return `${method.parent.typeName}.${method.name}:${rule}${where}${rule && ":"} ${problem}`;
}

function bindings(method: DescMethod, rule: HttpRule, problems: RouteProblem[]): HttpRule[] {
  for (const binding of rule.additionalBindings) {
    if (binding.additionalBindings.length > 0) {
      const problem = "an additional binding cannot have additional bindings";
      problems.push({ method, ...patternOf(binding), problem });
    }
  }
  return [rule, ...rule.additionalBindings];
}

function patternOf({ pattern }: HttpRule): { httpMethod: string; template: string } {
  if (pattern.case === "custom") return { httpMethod: pattern.value.kind, template: pattern.value.path };
  if (pattern.case) return { httpMethod: pattern.case.toUpperCase(), template: pattern.value };
  return { httpMethod: "", template: "" };
}

const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/;

function planRoute(method: DescMethod, rule: HttpRule, problems: RouteProblem[]): Route | undefined {
  const before = problems.length;
  const { httpMethod, template: text } = patternOf(rule);
  const report = (problem: string, column?: number): undefined => {
    problems.push({ method, httpMethod, template: text, problem, ...(column !== undefined && { column }) });
  };
  if (!rule.pattern.case) return report("the rule has no pattern");
  if (!token.test(httpMethod)) return report(`${JSON.stringify(httpMethod)} is not an HTTP method`);
  const parsed = parseTemplate(text);
  if (!parsed.ok) return report(parsed.problem, parsed.column);
  const { template } = parsed;
  const variables = planVariables(method, template, report);
  const body = rule.body === "*" ? "*" : topLevelField(method.input, "body", rule.body, report);
  if (typeof body === "object") {
    const rival = variables.find(({ fields }) => excludeEachOther([body], fields));
    if (rival) report(`body ${JSON.stringify(body.name)} and ${rival.name} exclude each other`);
  }
  const responseField = topLevelField(method.output, "response_body", rule.responseBody, report);
  if (problems.length > before) return undefined;
  return { method, httpMethod, text, template, variables, body, responseField };
}

type Report = (problem: string, column?: number) => undefined;

function topLevelField(message: DescMethod["input"], option: string, name: string, report: Report) {
  if (name === "") return undefined;
  const field = message.fields.find((candidate) => candidate.name === name);
  if (!field) {
    report(
      `${option} ${JSON.stringify(name)} is not a field of ${message.typeName}.${nameHint(message, name)}`,
    );
  }
  return field;
}

function planVariables(method: DescMethod, template: Template, report: Report): BoundVariable[] {
  const bound: BoundVariable[] = [];
  for (const variable of template.variables) {
    const planned = planVariable(method, template, variable, report);
    if (!planned) continue;
    for (const other of bound) {
      if (other.name === planned.name) report(`${planned.name} is captured twice`, variable.column);
      else if (excludeEachOther(other.fields, planned.fields)) {
        report(`${other.name} and ${planned.name} exclude each other`, variable.column);
      }
    }
    bound.push(planned);
  }
  return bound;
}

/** Whether two paths go through different members of one oneof. */
function excludeEachOther(one: readonly DescField[], other: readonly DescField[]): boolean {
  const fork = one.findIndex((field, index) => field !== other[index]);
  const oneof = one[fork]?.oneof;
  return oneof !== undefined && oneof === other[fork]?.oneof;
}

function planVariable(
  method: DescMethod,
  template: Template,
  variable: Variable,
  report: Report,
): BoundVariable | undefined {
  const fields = resolveFields(method.input, variable, report);
  const last = fields?.at(-1);
  if (!fields || !last) return undefined;
  const read = last.fieldKind === "list" ? undefined : textReader(last);
  if (!read) {
    const kind = last.fieldKind === "list" ? "repeated" : last.fieldKind === "map" ? "a map" : "a message";
    return report(`${variable.path.join(".")} is ${kind}, which a path cannot carry`, variable.column);
  }
  const { start, end } = variable;
  return {
    name: variable.path.join("."),
    fields,
    read,
    // Behind a `**`, positions count from the end as well.
    start: template.segments.slice(0, start).some(({ kind }) => kind === "**")
      ? start - template.segments.length
      : start,
    fromEnd: template.segments.length - end,
    single: end - start === 1 && template.segments[start]?.kind !== "**",
  };
}

function resolveFields(input: DescMethod["input"], { path, column }: Variable, report: Report) {
  const fields: DescField[] = [];
  let message: DescMethod["input"] | undefined = input;
  for (const [index, name] of path.entries()) {
    const field: DescField | undefined = message && fieldOf(message, name);
    if (!message || !field || field.name !== name) {
      const hint = message
        ? nameHint(
            message,
            name,
            path
              .slice(0, index)
              .map((part) => `${part}.`)
              .join(""),
          )
        : "";
      return report(`there is no field ${path.slice(0, index + 1).join(".")}.${hint}`, column);
    }
    fields.push(field);
    message = field.fieldKind === "message" ? field.message : undefined;
    const more = index < path.length - 1;
    if (more && (field.fieldKind === "list" || field.fieldKind === "map")) {
      const kind = field.fieldKind === "list" ? "repeated" : "a map";
      return report(
        `${path.slice(0, index + 1).join(".")} is ${kind}, and a path cannot reach through it`,
        column,
      );
    }
  }
  return fields;
}

function conflicts(routes: readonly Route[]): RouteProblem[] {
  const first = new Map<string, Route>();
  const found: RouteProblem[] = [];
  for (const route of routes) {
    const key = `${route.httpMethod} ${templateShape(route.template)}`;
    const other = first.get(key);
    if (!other) first.set(key, route);
    else {
      const { method, httpMethod, text } = route;
      const rival = `${other.method.parent.typeName}.${other.method.name} (${other.text})`;
      found.push({ method, httpMethod, template: text, problem: `matches the same paths as ${rival}` });
    }
  }
  return found;
}
