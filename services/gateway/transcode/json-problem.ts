import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type Registry,
} from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { errors } from "../../kit/errors.js";
import { fieldOf, nameHint } from "./field-name.js";
import { expectation } from "./field-value.js";

/** How JSON is read into messages. */
export interface JsonReading {
  readonly registry: Registry | undefined;
  readonly ignoreUnknownFields: boolean;
  readonly recursionLimit: number;
}

/**
 * The first thing about a JSON value that does not fit the message, as an error
 * for the caller: FIELD_UNKNOWN with the nearest name, or BODY_MALFORMED with
 * the field's path. Undefined when nothing is found. Only called after reading has failed.
 */
export function findJsonProblem(
  message: DescMessage,
  json: JsonValue,
  reading: JsonReading,
  path = "",
): ConnectError | undefined {
  if (message.typeName.startsWith("google.protobuf.")) return findCustomProblem(message, json, reading, path);
  if (!isObject(json)) return misfit(path, `must be an object, not ${kindOf(json)}`);
  const seen = new Map<object, string>();
  for (const [name, value] of Object.entries(json)) {
    const field = fieldOf(message, name);
    if (!field) {
      if (reading.ignoreUnknownFields) continue;
      return errors.fieldUnknown({
        field: join(path, name),
        hint: nameHint(message, name, path && `${path}.`),
      });
    }
    const found = findRepetition(seen, field, value, path) ?? findFieldProblem(field, value, reading, path);
    if (found) return found;
  }
  return undefined;
}

/** As `findJsonProblem`, for the value of one field. */
export function findFieldProblem(
  field: DescField,
  json: JsonValue,
  reading: JsonReading,
  parent = "",
): ConnectError | undefined {
  const path = join(parent, field.name);
  if (field.fieldKind === "list" && json !== null) {
    if (!Array.isArray(json)) return misfit(path, `must be a list, not ${kindOf(json)}`);
    return first(json, (item, index) => findItemProblem(field, [item], reading, `${path}[${index}]`));
  }
  if (field.fieldKind === "map" && json !== null) {
    if (!isObject(json)) return misfit(path, `must be an object, not ${kindOf(json)}`);
    return first(Object.entries(json), ([key, value]) =>
      findItemProblem(field, { [key]: value }, reading, `${path}[${JSON.stringify(key)}]`),
    );
  }
  if (field.message && json !== null) return findJsonProblem(field.message, json, reading, path);
  return fits(field, json, reading) ? undefined : misfit(path, unmet(field, json));
}

/** `content` is a list or a map with nothing but the item. */
function findItemProblem(field: DescField, content: JsonValue, reading: JsonReading, path: string) {
  if (fits(field, content, reading)) return undefined;
  const item = Object.values(content as object)[0] as JsonValue;
  const inner =
    field.message && item !== null ? findJsonProblem(field.message, item, reading, path) : undefined;
  return inner ?? misfit(path, unmet(field, item));
}

function findCustomProblem(message: DescMessage, json: JsonValue, reading: JsonReading, path: string) {
  try {
    fromJson(message, json, reading);
    return undefined;
  } catch {
    const holder = { message, fieldKind: "message" } as unknown as DescField;
    return misfit(path, unmet(holder, json));
  }
}

function findRepetition(seen: Map<object, string>, field: DescField, value: JsonValue, path: string) {
  if (seen.has(field)) return misfit(join(path, field.name), "is given twice");
  seen.set(field, field.name);
  if (!field.oneof || value === null) return undefined;
  const rival = seen.get(field.oneof);
  if (rival) return misfit(join(path, field.name), `excludes ${rival}, which is set too`);
  seen.set(field.oneof, field.name);
  return undefined;
}

function fits(field: DescField, json: JsonValue, reading: JsonReading): boolean {
  try {
    fromJson(field.parent as DescMessage, { [field.name]: json }, reading);
    return true;
  } catch {
    return false;
  }
}

function first<T>(items: readonly T[], find: (item: T, index: number) => ConnectError | undefined) {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found) return found;
  }
  return undefined;
}

function unmet(field: DescField, json: JsonValue): string {
  // A string may be a secret, so that it is not repeated; of a number, it may be the digits.
  const given = typeof json === "string" ? "" : `, not ${kindOf(json)}`;
  return expectation(field) + given;
}

function misfit(path: string, problem: string): ConnectError {
  return errors.bodyMalformed({ problem: `${path || "it"} ${problem}` });
}

function join(parent: string, name: string): string {
  return parent ? `${parent}.${name}` : name;
}

function kindOf(json: JsonValue): string {
  if (json === null) return "null";
  if (Array.isArray(json)) return "a list";
  if (typeof json === "object") return "an object";
  return typeof json === "string" ? "a string" : String(json);
}

function isObject(json: JsonValue): json is { [name: string]: JsonValue } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
