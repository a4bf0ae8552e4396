import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { ListValue, Struct, Value } from "@bufbuild/protobuf/wkt";
import { decline } from "./decline.js";
import type { WireWriter } from "./wire-writer.js";

/** JSON as a Struct. */
export function structOf(json: JsonObject): Struct {
  const fields: Struct["fields"] = {};
  for (const [name, value] of Object.entries(json)) fields[name] = valueFrom(value);
  return { $typeName: "google.protobuf.Struct", fields };
}

/** JSON as a ListValue. */
export function listOf(json: readonly JsonValue[]): ListValue {
  return { $typeName: "google.protobuf.ListValue", values: json.map(valueFrom) };
}

/** JSON as a Value. */
export function valueFrom(json: JsonValue): Value {
  return { $typeName: "google.protobuf.Value", kind: kindOf(json) };
}

function kindOf(json: JsonValue): Value["kind"] {
  if (json === null) return { case: "nullValue", value: 0 };
  if (typeof json === "number") return { case: "numberValue", value: json };
  if (typeof json === "string") return { case: "stringValue", value: json };
  if (typeof json === "boolean") return { case: "boolValue", value: json };
  if (typeof json !== "object") return decline();
  if (Array.isArray(json)) return { case: "listValue", value: listOf(json) };
  return { case: "structValue", value: structOf(json) };
}

/** A Struct as JSON. */
export function objectOf(struct: Struct): JsonObject {
  const json: JsonObject = {};
  for (const [name, value] of Object.entries(struct.fields)) json[name] = jsonOf(value);
  return json;
}

function jsonOf({ kind }: Value): JsonValue {
  if (kind.case === "structValue") return objectOf(kind.value);
  if (kind.case === "listValue") return kind.value.values.map(jsonOf);
  return kind.case === undefined || kind.case === "nullValue" ? null : kind.value;
}

// Fields of google/protobuf/struct.proto, with their wire types.
const structField = 10;
const entryKey = 10;
const entryValue = 18;
const nullField = 8;
const numberField = 17;
const stringField = 26;
const boolField = 32;
const objectField = 42;
const listField = 50;
const itemField = 10;

/** Writes JSON as the fields of a Struct. */
export function writeStruct(writer: WireWriter, json: JsonObject): void {
  for (const name of Object.keys(json)) {
    if (name === "__proto__") decline();
    writer.uint32(structField);
    const entry = writer.open();
    writer.uint32(entryKey);
    writer.string(name);
    writer.uint32(entryValue);
    const value = writer.open();
    writeValue(writer, json[name] as JsonValue);
    writer.close(value);
    writer.close(entry);
  }
}

/** Writes JSON as the fields of a ListValue. */
export function writeList(writer: WireWriter, json: readonly JsonValue[]): void {
  for (const item of json) {
    writer.uint32(itemField);
    const value = writer.open();
    writeValue(writer, item);
    writer.close(value);
  }
}

/** Writes JSON as the fields of a Value. */
export function writeValue(writer: WireWriter, json: JsonValue): void {
  if (json === null) {
    writer.uint32(nullField);
    writer.uint32(0);
  } else if (typeof json === "number") {
    writer.uint32(numberField);
    writer.double(json);
  } else if (typeof json === "string") {
    writer.uint32(stringField);
    writer.string(json);
  } else if (typeof json === "boolean") {
    writer.uint32(boolField);
    writer.bool(json);
  } else if (typeof json === "object") writeNested(writer, json);
  else decline();
}

function writeNested(writer: WireWriter, json: JsonObject | JsonValue[]): void {
  const isList = Array.isArray(json);
  writer.uint32(isList ? listField : objectField);
  const start = writer.open();
  if (isList) writeList(writer, json);
  else writeStruct(writer, json);
  writer.close(start);
}

/** JSON text of a Struct that is held as JSON. */
export function showObject(json: JsonObject): string {
  return isObject(json) ? showJson(json) : decline();
}

/** Whether JSON is an object. */
export function isObject(json: JsonValue): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** JSON text of JSON whose numbers are finite. */
export function showJson(json: JsonValue): string {
  if (json === null || typeof json !== "object") return showScalar(json);
  if (Array.isArray(json)) return `[${json.map(showJson).join(",")}]`;
  return showMembers(Object.entries(json), showJson);
}

function showScalar(json: JsonValue): string {
  if (typeof json === "number") return Number.isFinite(json) ? `${json}` : decline();
  return json === null || typeof json === "string" || typeof json === "boolean"
    ? JSON.stringify(json)
    : decline();
}

function showMembers<T>(members: readonly (readonly [string, T])[], show: (value: T) => string): string {
  const texts = members.map(([name, value]) =>
    name === "__proto__" ? decline() : `${JSON.stringify(name)}:${show(value)}`,
  );
  return `{${texts.join(",")}}`;
}

/** JSON text of a Value. */
export function showValue({ kind }: Value): string {
  switch (kind.case) {
    case undefined:
      return decline();
    case "structValue":
      return showStruct(kind.value);
    case "listValue":
      return showList(kind.value);
    case "nullValue":
      return "null";
    default:
      return showScalar(kind.value);
  }
}

/** JSON text of a Struct. */
export function showStruct({ fields }: Struct): string {
  return showMembers(Object.entries(fields), showValue);
}

/** JSON text of a ListValue. */
export function showList({ values }: ListValue): string {
  return `[${values.map(showValue).join(",")}]`;
}
