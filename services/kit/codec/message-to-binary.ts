import { type DescField, type DescMessage, type Message, ScalarType, toBinary } from "@bufbuild/protobuf";
import {
  isImplicit,
  isRequired,
  isSet,
  isUnwrapped,
  type MessagePlan,
  type Plan,
  planMessage,
  planOf,
  property,
} from "./plan.js";
import { attempt, decline } from "./runtime/decline.js";
import { isBoolKey, isIntegerKey } from "./runtime/json-keys.js";
import * as wellKnown from "./runtime/well-known.js";
import type { UnknownField } from "./runtime/wire-reader.js";
import { WireWriter } from "./runtime/wire-writer.js";
import { isLongText, isNotZero, scalar, tagOf, typeName, wireScalar } from "./scalars.js";
import { createSource, type Source } from "./source.js";

export const writer = new WireWriter();

const largestFloat = 3.4028234663852886e38;

const runtime = {
  decline,
  ...wellKnown,
  isFloat: (value: unknown) =>
    typeof value === "number" && (!Number.isFinite(value) || Math.abs(value) <= largestFloat),
  integerKey: (key: string) => (isIntegerKey(key) ? key : decline()),
  boolKey: (key: string) => (isBoolKey(key) ? key === "true" : decline()),
  longOf: (text: string) => (isIntegerKey(text) ? BigInt(text) : decline()),
  putUnknown(w: WireWriter, fields: readonly UnknownField[]) {
    for (const { no, wireType, data } of fields) {
      w.uint32(((no << 3) | wireType) >>> 0);
      w.raw(data);
    }
  },
  putForeign: (w: WireWriter, desc: DescMessage, message: Message) => w.raw(toBinary(desc, message)),
};

/**
 * Compiles writing a message in the binary format, behind as many bytes as are
 * reserved. The result is undefined for what protobuf-es has to decide.
 */
export function compileMessageToBinary(
  desc: DescMessage,
): ((message: Message, reserved: number) => Buffer | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (root.exotic) return undefined;
  const source = createSource(runtime);
  for (const message of plan.values()) if (!message.exotic) source.add(putter(message, { plan, source }));
  const run = source.build<(w: WireWriter, message: Message) => void>(`put${root.id}`);
  return (message, reserved) =>
    attempt((given) => {
      writer.start(reserved);
      run(writer, given);
      return writer.finish();
    }, message);
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
}

function putter(message: MessagePlan, compiler: Compiler): string {
  const fields = message.fields.map((field) => putField(field, message, compiler));
  return `function put${message.id}(w, m) {
if (m.$typeName !== ${typeName(message.desc)}) decline();
${fields.join("\n")}
if (m.$unknown !== undefined) putUnknown(w, m.$unknown);
}`;
}

function putField(field: DescField, { empty }: MessagePlan, compiler: Compiler): string {
  const of = field.oneof ? `${property("m", field.oneof)}.value` : property("m", field);
  if (field.fieldKind === "list") return putList(field, of, compiler);
  if (field.fieldKind === "map") return putMap(field, of, compiler);
  const condition = isImplicit(field) ? isNotZero("v", field) : isSet("m", field, empty);
  const otherwise = isRequired(field) ? " else decline();" : "";
  return `{ const v = ${of}; if (${condition}) { ${putItem("v", field, compiler)} }${otherwise} }`;
}

function putList(field: DescField & { fieldKind: "list" }, of: string, compiler: Compiler): string {
  if (!field.packed) return `for (const v of ${of}) { ${putItem("v", field, compiler)} }`;
  return `if (${of}.length > 0) { w.uint32(${tagOf(field, 2)}); const a = w.open(); for (const v of ${of}) { ${putScalar("v", field)} } w.close(a); }`;
}

function putMap(field: DescField & { fieldKind: "map" }, of: string, compiler: Compiler): string {
  const type = scalar(field.mapKey);
  const key = `w.uint32(${(1 << 3) | type.wireType}); const q = ${keyValue(field.mapKey)}; if (!(${type.fits("q")})) decline(); w.${type.put}(q);`;
  const value = putItem("v", field, compiler, 2);
  return `for (const k of Object.keys(${of})) { const v = ${of}[k]; w.uint32(${tagOf(field, 2)}); const a = w.open(); ${key} ${value} w.close(a); }`;
}

function keyValue(type: ScalarType): string {
  if (type === ScalarType.STRING) return "k";
  if (type === ScalarType.BOOL) return "boolKey(k)";
  return scalar(type).show === "showLong" ? "BigInt(integerKey(k))" : "Number(integerKey(k))";
}

/** Statements that put a value with its tag. */
function putItem(value: string, field: DescField, compiler: Compiler, number = field.number): string {
  const tag = (wireType: number) => `w.uint32(${((number << 3) | wireType) >>> 0});`;
  if (!field.message) return `${tag(wireScalar(field).wireType)} ${putScalar(value, field)}`;
  const message = planOf(compiler.plan, field.message);
  const body = putMessage(value, message, isUnwrapped(field, compiler.plan), compiler.source);
  const grouped = "delimitedEncoding" in field && field.delimitedEncoding;
  if (grouped) return `{ ${tag(3)} ${body} ${tag(4)} }`;
  return `{ ${tag(2)} const b = w.open(); ${body} w.close(b); }`;
}

function putScalar(value: string, field: DescField): string {
  const type = wireScalar(field);
  if (isLongText(field)) {
    return `{ const g = longOf(${value}); if (!(${type.fits("g")})) decline(); w.${type.put}(g); }`;
  }
  return `if (!(${type.fits(value)})) decline(); w.${type.put}(${value});`;
}

function putMessage(value: string, message: MessagePlan, unwrapped: boolean, source: Source): string {
  if (message.exotic) return `putForeign(w, ${source.bind(message.desc)}, ${value});`;
  if (!unwrapped) return `put${message.id}(w, ${value});`;
  if (message.shape === "struct") return `if (!isObject(${value})) decline(); writeStruct(w, ${value});`;
  const field = message.fields[0];
  if (!field) return "decline();";
  return `if (${isNotZero(value, field)}) { w.uint32(${tagOf(field, wireScalar(field).wireType)}); ${putScalar(value, field)} }`;
}
