import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { errors } from "../../kit/errors.js";
import { fieldOf, nameHint } from "./field-name.js";
import { addToPath, type Draft, rivalOf, setPath } from "./field-path.js";
import { expectation, textReader } from "./field-value.js";
import { decodeQuery } from "./path.js";
import type { Route } from "./route.js";

/** How a query is read. */
export interface QueryRules {
  /** Most parameters of one query. */
  readonly maxParameters: number;
  /** Most names in one dotted parameter. */
  readonly maxDepth: number;
  /** Pass over parameters that the request does not have. */
  readonly ignoreUnknown: boolean;
}

/**
 * Plans how a route's query is set on its request. A parameter names one field
 * that neither path nor body carries; a list takes its parameter repeatedly.
 * Throws PARAMETER_INVALID, FIELD_UNKNOWN or URL_MALFORMED.
 */
export function planQuery(route: Route, rules: QueryRules): (draft: Draft, query: string) => void {
  const captured = new Set(route.variables.map(({ name }) => name));
  const set = (draft: Draft, seen: Set<string>, name: string, text: string): void => {
    const fields = resolve(route.method.input, name, rules);
    if (!fields) return;
    refuseElsewhere(route, captured, fields, name);
    const rival = rivalOf(draft, fields);
    if (rival) throw invalid(name, `excludes ${rival.name}, which is set too`);
    apply(draft, seen, { fields, name, text });
  };
  return (draft, query) => {
    const seen = new Set<string>();
    for (const [name, text] of parameters(query, rules.maxParameters)) set(draft, seen, name, text);
  };
}

function apply(
  draft: Draft,
  seen: Set<string>,
  { fields, name, text }: { fields: DescField[]; name: string; text: string },
): void {
  const leaf = fields[fields.length - 1] as DescField;
  const read = leaf.fieldKind === "list" && leaf.listKind === "message" ? undefined : textReader(leaf);
  if (!read) throw invalid(name, unfit(leaf));
  const value = read(text);
  if (value === undefined) throw invalid(name, expectation(leaf));
  if (leaf.fieldKind === "list") {
    addToPath(draft, fields, value);
    return;
  }
  const path = fields.map((field) => field.name).join(".");
  if (seen.has(path)) throw invalid(name, "is given twice");
  seen.add(path);
  setPath(draft, fields, value);
}

function unfit(field: DescField): string {
  if (field.fieldKind === "map") return "is a map, which a query cannot carry";
  if (field.fieldKind === "list") return "is a list of messages, which a query cannot carry";
  return isOpaque(field)
    ? "takes any JSON, which a query cannot carry"
    : "is a message; name one of its fields";
}

/** Its own fields are not what its JSON shows. */
function isOpaque(field: DescField): boolean {
  return field.message?.typeName.startsWith("google.protobuf.") ?? false;
}

function refuseElsewhere(
  { body }: Route,
  captured: ReadonlySet<string>,
  fields: readonly DescField[],
  name: string,
): void {
  if (body === "*" || (body && body === fields[0])) throw invalid(name, "belongs in the body");
  if (captured.has(fields.map((field) => field.name).join("."))) throw invalid(name, "is set by the path");
}

/** The fields that a dotted name leads through; undefined when it is unknown and that is allowed. */
function resolve(input: DescMessage, name: string, rules: QueryRules): DescField[] | undefined {
  const names = name.split(".", rules.maxDepth + 1);
  if (names.length > rules.maxDepth) {
    throw invalid(name.slice(0, 64), `is nested deeper than ${rules.maxDepth} fields`);
  }
  const fields: DescField[] = [];
  let message: DescMessage | undefined = input;
  for (const part of names) {
    const field: DescField | undefined = message && fieldOf(message, part);
    if (!message || !field) {
      if (rules.ignoreUnknown) return undefined;
      const prefix = fields.map((known) => `${known.name}.`).join("");
      throw errors.fieldUnknown({ field: name, hint: message ? nameHint(message, part, prefix) : "" });
    }
    fields.push(field);
    message = insideOf(field, fields.length < names.length, name);
  }
  return fields;
}

function insideOf(field: DescField, more: boolean, name: string): DescMessage | undefined {
  if (!more) return undefined;
  if (field.fieldKind === "map") throw invalid(name, `cannot reach into ${field.name}, which is a map`);
  if (field.fieldKind === "list") throw invalid(name, `cannot reach into ${field.name}, which is repeated`);
  return isOpaque(field) ? undefined : field.message;
}

function* parameters(query: string, most: number): Generator<[name: string, text: string]> {
  let count = 0;
  for (let from = 0; from < query.length; ) {
    const end = indexOrEnd(query, "&", from);
    if (end > from) {
      if (++count > most) throw invalid("query", `has more than ${most} parameters`);
      const equals = Math.min(indexOrEnd(query, "=", from), end);
      yield [decodeQuery(query.slice(from, equals)), decodeQuery(query.slice(equals + 1, end))];
    }
    from = end + 1;
  }
}

function indexOrEnd(text: string, mark: string, from: number): number {
  const index = text.indexOf(mark, from);
  return index < 0 ? text.length : index;
}

function invalid(parameter: string, problem: string) {
  return errors.parameterInvalid({ parameter, problem });
}
