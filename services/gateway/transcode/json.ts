import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type JsonWriteOptions,
  type Message,
  type Registry,
  toJson,
} from "@bufbuild/protobuf";
import { errors } from "../../kit/errors.js";
import { settleField, settleNumbers } from "./exact-number.js";
import { findFieldProblem, findJsonProblem, type JsonReading } from "./json-problem.js";
import { isPlainJson } from "./json-scan.js";
import { parseJson } from "./json-text.js";

/** Reads a message from JSON text. Throws BODY_MALFORMED or FIELD_UNKNOWN. */
export type JsonReader = (text: string) => Message;

/** Prints a message as JSON text. */
export type JsonPrinter = (message: Message) => string;

/** Between JSON text and messages, planned once for each route. */
export interface JsonCodec {
  /** Reads a message, or with `field` one whose field is the text's value and nothing else. */
  reader(message: DescMessage, options: { field?: DescField; ignoreUnknown: boolean }): JsonReader;
  /** Prints a message with its proto field names, or with `field` the value of that field alone. */
  printer(message: DescMessage, options: { field?: DescField }): JsonPrinter;
}

/** What a codec needs to know. */
export interface JsonCodecOptions {
  /** Types that `google.protobuf.Any` may hold. */
  readonly registry?: Registry | undefined;
  /** Deepest nesting of objects and lists. */
  readonly maxDepth: number;
}

/** ProtoJSON by protobuf-es, with int64 exact from the source text and errors that name the field. */
export function createJsonCodec({ registry, maxDepth }: JsonCodecOptions): JsonCodec {
  return {
    reader(message, { field, ignoreUnknown }) {
      // Our own bound counts the nesting of the text; messages such as Struct count themselves double.
      const reading = { registry, ignoreUnknownFields: ignoreUnknown, recursionLimit: 4 * maxDepth };
      return field
        ? fieldReader(message, field, reading, maxDepth)
        : messageReader(message, reading, maxDepth);
    },
    printer(message, { field }) {
      const printing = { registry, useProtoFieldName: true, alwaysEmitImplicit: true };
      return field
        ? fieldPrinter(message, field, printing)
        : (value) => JSON.stringify(toJson(message, value, printing));
    },
  };
}

function messageReader(message: DescMessage, reading: JsonReading, maxDepth: number): JsonReader {
  return (text) => {
    const json = readText(text, maxDepth, (exact) => settleNumbers(exact, message, reading.registry));
    return convert(message, json, reading, () => findJsonProblem(message, json, reading));
  };
}

function fieldReader(
  message: DescMessage,
  field: DescField,
  reading: JsonReading,
  maxDepth: number,
): JsonReader {
  return (text) => {
    const json = readText(text, maxDepth, (exact) => settleField(exact, field, reading.registry));
    return convert(message, { [field.name]: json }, reading, () => findFieldProblem(field, json, reading));
  };
}

function readText(
  text: string,
  maxDepth: number,
  settle: (json: Parameters<typeof settleField>[0]) => JsonValue,
): JsonValue {
  if (isPlainJson(text, maxDepth)) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // The slower parser says where.
    }
  }
  const parsed = parseJson(text, maxDepth);
  if (!parsed.ok) throw errors.bodyMalformed({ problem: parsed.problem });
  return settle(parsed.json);
}

function convert(
  message: DescMessage,
  json: JsonValue,
  reading: JsonReading,
  explain: () => Error | undefined,
): Message {
  try {
    return fromJson(message, json, reading) as Message;
  } catch (cause) {
    throw explain() ?? errors.bodyMalformed({ problem: "it does not fit the request" }, cause);
  }
}

/** The JSON of one field's value; null when it is not set. */
function fieldPrinter(
  message: DescMessage,
  field: DescField,
  printing: Partial<JsonWriteOptions>,
): JsonPrinter {
  const local = field.oneof?.localName ?? field.localName;
  return (value) => {
    const source = value as unknown as Record<string, unknown>;
    // A message with nothing but this field: printing may depend on how the parent holds it.
    const carrier = create(message) as unknown as Record<string, unknown>;
    if (Object.hasOwn(source, local)) carrier[local] = source[local];
    const json = toJson(message, carrier as unknown as Message, printing) as { [name: string]: JsonValue };
    return JSON.stringify(json[field.name] ?? null);
  };
}
