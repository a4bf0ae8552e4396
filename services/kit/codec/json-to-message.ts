import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonReadOptions,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { enumTable, holdsNull, membersLoop, type UnknownMembers } from "./json-members.js";
import { isUnwrapped, type MessagePlan, type Plan, planMessage, planOf, property } from "./plan.js";
import { attempt, decline } from "./runtime/decline.js";
import { JsonCursor } from "./runtime/json-cursor.js";
import * as keys from "./runtime/json-keys.js";
import * as scalars from "./runtime/json-scalars.js";
import * as values from "./runtime/json-value.js";
import * as time from "./runtime/time.js";
import * as wellKnown from "./runtime/well-known.js";
import { isLongText, keyRange, scalar, typeName } from "./scalars.js";
import { createSource, literal, type Source } from "./source.js";

/** Options of compiled code that reads JSON. */
export interface JsonReaderOptions {
  readonly registry: JsonReadOptions["registry"];
  readonly unknown: UnknownMembers;
  /** Deepest nesting of messages. */
  readonly depthLimit: number;
}

/** The one cursor of all compiled code. */
export const cursor = new JsonCursor();

/** What compiled code that reads JSON refers to. */
export const jsonRuntime = {
  decline,
  create,
  ...keys,
  ...scalars,
  ...values,
  ...time,
  ...wellKnown,
  readString: (from: JsonCursor) => from.string(),
  readBool: (from: JsonCursor) => from.bool(),
  readForeign,
};

// Reading a Value counts two levels of its own beneath the deepest bracket.
export const valueLevels = 2;

/**
 * Compiles reading a message from JSON text, or with `field` a message of
 * nothing but that field, from the field's value. The result is undefined for what protobuf-es
 * has to decide.
 */
export function compileJsonToMessage(
  desc: DescMessage,
  options: JsonReaderOptions,
  field?: DescField,
): ((text: string | Uint8Array) => Message | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (root.shape === "foreign" || (field && root.shape !== "fields")) return undefined;
  const source = createSource(jsonRuntime);
  const compiler = { plan, source, options };
  for (const message of plan.values()) if (message.shape === "fields") source.add(reader(message, compiler));
  const run = source.build<(c: JsonCursor) => Message>(
    field
      ? `(c) => { const m = ${newMessage(root, source)}; ${readField(field, compiler)} return m; }`
      : `(c) => ${readMessage(root, false, compiler)}`,
  );
  const limit = options.depthLimit - valueLevels;
  return (text) => {
    const message = attempt((given) => readAll(given, limit, run), text);
    cursor.unload();
    return message;
  };
}

/** Reads a document to its end. */
export function readAll<T>(text: string | Uint8Array, limit: number, read: (from: JsonCursor) => T): T {
  cursor.load(text, limit);
  const result = read(cursor);
  cursor.end();
  return result;
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
  readonly options: JsonReaderOptions;
}

/** An expression that makes a message with nothing set. */
export function newMessage({ desc, empty }: MessagePlan, source: Source): string {
  return empty ?? `create(${source.bind(desc)})`;
}

function reader(message: MessagePlan, compiler: Compiler): string {
  const { source, options } = compiler;
  const loop = membersLoop(message, source, options.unknown, (field) => readField(field, compiler));
  return `function read${message.id}(c) {\nconst m = ${newMessage(message, source)};\n${loop}\nreturn m;\n}`;
}

function readField(field: DescField, compiler: Compiler): string {
  const value = readItem(field, compiler);
  if (field.oneof) {
    const oneof = property("m", field.oneof);
    // What a null means to a oneof, protobuf-es decides.
    return `if (${oneof}.case !== undefined) decline(); ${oneof} = { case: ${literal(field.localName)}, value: ${value} };`;
  }
  const target = property("m", field);
  if (field.fieldKind === "list") {
    return `if (!c.isNull() && c.list()) { const l = ${target}; do l.push(${value}); while (c.item()); }`;
  }
  if (field.fieldKind === "map") {
    return `if (!c.isNull() && c.object()) { const o = ${target}; do { const k = ${readKey(field.mapKey)}; if (Object.hasOwn(o, k)) decline(); o[k] = ${value}; } while (c.member()); }`;
  }
  return holdsNull(field) ? `${target} = ${value};` : `if (!c.isNull()) ${target} = ${value};`;
}

/** An expression that reads a map's key as text. */
export function readKey(type: ScalarType): string {
  if (type === ScalarType.STRING) return "stringKey(c)";
  return type === ScalarType.BOOL ? "boolKey(c)" : `integerKey(c, ${keyRange(type)})`;
}

function readItem(field: DescField, compiler: Compiler): string {
  if (field.message)
    return readMessage(planOf(compiler.plan, field.message), isUnwrapped(field, compiler.plan), compiler);
  const value = readScalar(field, compiler.source);
  return isLongText(field) ? `String(${value})` : value;
}

/** An expression that reads a scalar or an enum. */
export function readScalar(field: DescField, source: Source): string {
  if (field.scalar) return `${scalar(field.scalar).json}(c)`;
  if (!field.enum) return "decline()";
  const value = `readEnum(c, ${source.bind(enumTable(field.enum))})`;
  return holdsNull(field) ? `(c.isNull() ? 0 : ${value})` : value;
}

function readMessage(
  { id, desc, shape, fields }: MessagePlan,
  unwrapped: boolean,
  compiler: Compiler,
): string {
  const { source, options } = compiler;
  switch (shape) {
    case "fields":
      return `read${id}(c)`;
    case "wrapper": {
      const value = fields[0] ? readScalar(fields[0], source) : "decline()";
      return unwrapped ? value : `({ $typeName: ${typeName(desc)}, value: ${value} })`;
    }
    case "timestamp":
      return "timestampOf(c.string())";
    case "duration":
      return "durationOf(c.string())";
    case "struct":
      return unwrapped ? "readObject(c)" : "structOf(readObject(c))";
    case "value":
      return "valueFrom(readValue(c))";
    case "list":
      return "listOf(readList(c))";
    case "foreign":
      return `readForeign(c, ${source.bind(desc)}, ${source.bind(foreignOptions(options))})`;
  }
}

const foreign = new WeakMap<JsonReaderOptions, Partial<JsonReadOptions>>();

/** The options for protobuf-es. */
export function foreignOptions(options: JsonReaderOptions): Partial<JsonReadOptions> {
  const found = foreign.get(options) ?? {
    registry: options.registry,
    ignoreUnknownFields: options.unknown === "ignore",
  };
  foreign.set(options, found);
  return found;
}

function readForeign(from: JsonCursor, desc: DescMessage, options: Partial<JsonReadOptions>): Message {
  const recursionLimit = from.remaining();
  return fromJson(desc, values.readExactValue(from), { ...options, recursionLimit });
}
