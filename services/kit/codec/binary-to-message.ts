import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { enumTable } from "./json-members.js";
import { newMessage } from "./json-to-message.js";
import { isUnwrapped, type MessagePlan, type Plan, planMessage, planOf, property } from "./plan.js";
import { attempt, decline } from "./runtime/decline.js";
import { objectOf } from "./runtime/well-known.js";
import { WireReader } from "./runtime/wire-reader.js";
import { isLongText, scalar, tagOf, wireScalar } from "./scalars.js";
import { createSource, literal, type Source } from "./source.js";

export const reader = new WireReader();

const runtime = {
  create,
  decline,
  objectOf,
  getForeign: (r: WireReader, desc: DescMessage) =>
    fromBinary(desc, r.data(), { recursionLimit: r.remaining() }),
};

/** Compiles reading a message from the binary format. The result is undefined for what protobuf-es has to decide. */
export function compileBinaryToMessage(
  desc: DescMessage,
  { depthLimit }: { readonly depthLimit: number },
): ((bytes: Uint8Array) => Message | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (root.exotic) return undefined;
  const source = createSource(runtime);
  const compiler = { plan, source };
  const groups = groupedTypes(plan);
  for (const message of plan.values()) {
    if (message.exotic) continue;
    source.add(getter(message, compiler, false));
    if (groups.has(message)) source.add(getter(message, compiler, true));
    if (message.shape === "wrapper") source.add(unwrapper(message));
  }
  const run = source.build<(r: WireReader, end: number) => Message>(
    `(r, end) => get${root.id}(r, end, ${newMessage(root, source)})`,
  );
  return (bytes) => {
    const message = attempt((given) => run(reader, reader.load(given, depthLimit)), bytes);
    reader.unload();
    return message;
  };
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
}

function groupedTypes(plan: Plan): ReadonlySet<MessagePlan> {
  const fields = [...plan.values()].flatMap((message) => message.fields);
  return new Set(fields.filter(isGroup).flatMap(({ message }) => (message ? [planOf(plan, message)] : [])));
}

function isGroup(field: DescField): boolean {
  return "delimitedEncoding" in field && field.delimitedEncoding;
}

/** Reads into a message up to `end`, or as a group up to the tag that closes it. */
function getter({ id, desc, fields }: MessagePlan, compiler: Compiler, group: boolean): string {
  const known = compiler.source.bind(new Set(desc.fields.map(({ number }) => number)));
  const cases = fields.map((field) => getField(field, compiler));
  const [name, end] = group ? ["group", "r.bytes.length"] : ["get", "end"];
  return `function ${name}${id}(r, end, m) {
r.enter();
for (;;) {
${group ? "" : "if (r.at >= end) break;"}
const t = r.tag();
${group ? "if (t === end) break;" : ""}
switch (t) {
${cases.join("\n")}
default: if (${known}.has(t >>> 3)) decline(); (m.$unknown ??= []).push(r.unknown(t));
}
}
r.leave(${group ? "r.at" : end});
return m;
}`;
}

/** Reads the value of a wrapper that is kept as its value. */
function unwrapper({ id, fields }: MessagePlan): string {
  const [field] = fields;
  if (!field?.scalar) return "";
  const { get, wireType } = scalar(field.scalar);
  return `function unwrap${id}(r, end, v) {
r.enter();
while (r.at < end) { if (r.tag() !== ${tagOf(field, wireType)}) decline(); v = r.${get}(); }
r.leave(end);
return v;
}`;
}

function getField(field: DescField, compiler: Compiler): string {
  if (field.fieldKind === "map") return getMap(field, compiler);
  const target = property("m", field);
  if (field.fieldKind === "list") return getList(field, target, compiler);
  const current = field.oneof ? property("m", field.oneof) : target;
  const isCurrent = `${current}.case === ${literal(field.localName)}`;
  const old = field.oneof ? `(${isCurrent} ? ${current}.value : undefined)` : current;
  const value = getItem(field, old, compiler);
  const set = field.oneof
    ? `${current} = { case: ${literal(field.localName)}, value: v };`
    : `${target} = v;`;
  return `case ${itemTag(field)}: { const v = ${value}; ${checkClosed(field, compiler)} ${set} break; }`;
}

function checkClosed(field: DescField, { source }: Compiler): string {
  if (field.fieldKind !== "enum" || field.enum.open) return "";
  return `if (!${source.bind(enumTable(field.enum).known)}.has(v)) decline();`;
}

function getList(field: DescField & { fieldKind: "list" }, target: string, compiler: Compiler): string {
  const push = `${target}.push(${getItem(field, "undefined", compiler)});`;
  const single = `case ${itemTag(field)}: ${push} break;`;
  if (field.message || wireScalar(field).wireType === 2) return single;
  return `${single}
case ${tagOf(field, 2)}: { const e = r.sub(); while (r.at < e) ${push} if (r.at !== e) decline(); break; }`;
}

function getMap(field: DescField & { fieldKind: "map" }, compiler: Compiler): string {
  const key = scalar(field.mapKey);
  const keyText = field.mapKey === ScalarType.STRING ? `r.${key.get}()` : `String(r.${key.get}())`;
  const valueTag = (2 << 3) | (field.message ? 2 : wireScalar(field).wireType);
  const value = getItem(field, "undefined", compiler);
  return `case ${tagOf(field, 2)}: {
const e = r.sub();
let k = ${field.mapKey === ScalarType.STRING ? '""' : `String(${key.zero})`}, v;
while (r.at < e) { const t = r.tag(); if (t === ${(1 << 3) | key.wireType}) k = ${keyText}; else if (t === ${valueTag}) v = ${value}; else decline(); }
if (r.at !== e || k === "__proto__") decline();
${property("m", field)}[k] = v === undefined ? ${emptyItem(field, compiler)} : v;
break;
}`;
}

function itemTag(field: DescField): number {
  if (isGroup(field)) return tagOf(field, 3);
  return tagOf(field, field.message ? 2 : wireScalar(field).wireType);
}

/** An expression that reads a value, merging into an old one that may be undefined. */
function getItem(field: DescField, old: string, { plan, source }: Compiler): string {
  if (!field.message) {
    const value = `r.${wireScalar(field).get}()`;
    return isLongText(field) ? `String(${value})` : value;
  }
  const message = planOf(plan, field.message);
  if (message.exotic)
    return `(${old} === undefined && !${isGroup(field)} ? getForeign(r, ${source.bind(message.desc)}) : decline())`;
  const unwrapped = isUnwrapped(field, plan);
  const empty = newMessage(message, source);
  if (unwrapped && message.shape === "struct") {
    return `(${old} === undefined ? objectOf(${nested(field, message, empty)}) : decline())`;
  }
  if (unwrapped) return `unwrap${message.id}(r, r.sub(), ${old} ?? ${emptyScalar(message)})`;
  return nested(field, message, `${old} ?? ${empty}`);
}

function nested(field: DescField, { id }: MessagePlan, into: string): string {
  return isGroup(field) ? `group${id}(r, ${tagOf(field, 4)}, ${into})` : `get${id}(r, r.sub(), ${into})`;
}

function emptyScalar({ fields }: MessagePlan): string {
  return fields[0]?.scalar ? scalar(fields[0].scalar).zero : "decline()";
}

function emptyItem(field: DescField & { fieldKind: "map" }, { plan, source }: Compiler): string {
  if (field.enum) return String(field.enum.values[0]?.number ?? 0);
  if (field.scalar) return scalar(field.scalar).zero;
  if (!field.message) return "decline()";
  return isUnwrapped(field, plan) ? "{}" : newMessage(planOf(plan, field.message), source);
}
