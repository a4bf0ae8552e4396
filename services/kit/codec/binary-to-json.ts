import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { reader } from "./binary-to-message.js";
import { enumTexts, type JsonWriterOptions, nullValue } from "./message-to-json.js";
import {
  isExtended,
  isImplicit,
  isRequired,
  type MessagePlan,
  type Plan,
  planMessage,
  planOf,
} from "./plan.js";
import { attempt, decline } from "./runtime/decline.js";
import { JsonBytes } from "./runtime/json-bytes.js";
import { KeyRanges } from "./runtime/json-copy.js";
import * as stream from "./runtime/json-stream.js";
import type { WireReader } from "./runtime/wire-reader.js";
import { isNotZero, scalar, tagOf, wireScalar } from "./scalars.js";
import { createSource, literal, type Source } from "./source.js";

const writer = new JsonBytes();

const runtime = { decline, KeyRanges, ...stream };

/**
 * Compiles turning the binary format into JSON text with no message between,
 * when fields come by ascending number, each once, as every serializer writes
 * them. The result is undefined for others and for what protobuf-es has to decide.
 */
export function compileBinaryToJson(
  desc: DescMessage,
  options: JsonWriterOptions & { readonly depthLimit: number },
): ((bytes: Uint8Array) => string | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (root.shape === "foreign") return undefined;
  const source = createSource(runtime);
  const compiler = { plan, source, options };
  for (const message of plan.values()) if (message.shape === "fields") source.add(shower(message, compiler));
  const run = source.build<(j: JsonBytes, r: WireReader, e: number) => void>(
    `(j, r, e) => { ${showMessage(root, compiler)} }`,
  );
  return (bytes) => {
    const text = attempt((given) => {
      writer.start();
      run(writer, reader, reader.load(given, options.depthLimit));
      return writer.finish();
    }, bytes);
    reader.unload();
    return text;
  };
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
  readonly options: JsonWriterOptions;
}

/**
 * `n` counts the fields that are behind: those left out are written as zero if
 * zeros are written, and one that comes late or again is declined. Each member
 * ends with a comma, the last of which is taken back.
 */
function shower(message: MessagePlan, compiler: Compiler): string {
  const { id, desc, fields } = message;
  const { source, options } = compiler;
  const zeros = fields.map((field) => zeroMember(field, options));
  const known = source.bind(new Set(fields.map(({ number }) => number)));
  const cases = fields.map((field, index) => showField(field, index, message, compiler));
  const ifUnknown = isExtended(desc, options.registry) ? "decline();" : "r.unknown(t);";
  const oneofs = desc.oneofs.map((_, index) => `let o${index} = false;`).join(" ");
  return `const zeros${id} = ${source.bind(zeros)};
function fill${id}(j, from, to) {
for (let i = from; i < to; i++) { const zero = zeros${id}[i]; if (zero === null) decline(); if (zero !== undefined) j.raw(zero); }
return to + 1;
}
function show${id}(j, r, e) {
r.enter();
j.byte(123);
let n = 0; ${oneofs}
while (r.at < e) {
const t = r.tag();
switch (t) {
${cases.join("\n")}
default: if (${known}.has(t >>> 3)) decline(); ${ifUnknown}
}
}
r.leave(e);
fill${id}(j, n, ${fields.length});
j.close(125);
}`;
}

/** What a field that is not set is written as: bytes, undefined for nothing, null when it must be set. */
function zeroMember(field: DescField, options: JsonWriterOptions): Uint8Array | undefined | null {
  if (isRequired(field)) return null;
  if (!options.alwaysEmitImplicit || !isImplicit(field)) return undefined;
  return Buffer.from(`${memberName(field, options)}${zeroText(field)},`);
}

function zeroText(field: DescField): string {
  if (field.fieldKind === "list") return "[]";
  if (field.fieldKind === "map") return "{}";
  if (field.enum?.typeName === nullValue) return "null";
  if (field.enum) {
    const number = field.enum.values[0]?.number ?? 0;
    return enumTexts(field.enum).get(number) ?? String(number);
  }
  if (field.scalar === ScalarType.BYTES) return '""';
  const zero = field.scalar ? scalar(field.scalar).zero : "null";
  return zero.endsWith("n") ? '"0"' : zero;
}

function memberName(field: DescField, options: JsonWriterOptions): string {
  return `${literal(options.useProtoFieldName ? field.name : field.jsonName)}:`;
}

function showField(field: DescField, index: number, message: MessagePlan, compiler: Compiler): string {
  const { source, options } = compiler;
  const name = source.bind(Buffer.from(memberName(field, options)));
  const start = `if (n > ${index}) decline(); n = fill${message.id}(j, n, ${index}); j.raw(${name});`;
  if (field.fieldKind === "list") return showList(field, start, compiler);
  if (field.fieldKind === "map") return showMap(field, start, compiler);
  const oneof = field.oneof ? `o${message.desc.oneofs.indexOf(field.oneof)}` : "";
  const alone = oneof && `if (${oneof}) decline(); ${oneof} = true;`;
  return `case ${itemTag(field)}: { ${start} ${alone} ${showItem(field, compiler)} j.byte(44); break; }`;
}

function itemTag(field: DescField): number {
  return tagOf(field, field.message ? 2 : wireScalar(field).wireType);
}

function showList(field: DescField & { fieldKind: "list" }, start: string, compiler: Compiler): string {
  const item = `${showItem(field, compiler)} j.byte(44);`;
  const single = `case ${itemTag(field)}: { ${start} j.byte(91); do { ${item} } while (r.again(t, e)); j.close(93); j.byte(44); break; }`;
  if (field.message || wireScalar(field).wireType === 2) return single;
  return `${single}
case ${tagOf(field, 2)}: { ${start} j.byte(91); const f = r.sub(); if (r.at === f) decline(); while (r.at < f) { ${item} } if (r.at !== f) decline(); j.close(93); j.byte(44); break; }`;
}

function showMap(field: DescField & { fieldKind: "map" }, start: string, compiler: Compiler): string {
  // Other keys are put in order by JavaScript objects.
  if (field.mapKey !== ScalarType.STRING) return `case ${tagOf(field, 2)}: decline();`;
  const valueTag = (2 << 3) | (field.message ? 2 : wireScalar(field).wireType);
  const entry = `const f = r.sub(); if (r.tag() !== 10) decline(); showKey(j, r, k); if (r.tag() !== ${valueTag}) decline(); ${showItem(field, compiler)} if (r.at !== f) decline(); j.byte(44);`;
  return `case ${tagOf(field, 2)}: { ${start} j.byte(123); const k = new KeyRanges(); do { ${entry} } while (r.again(t, e)); j.close(125); j.byte(44); break; }`;
}

/** Statements that write a value. */
function showItem(field: DescField, compiler: Compiler): string {
  if (!field.message) {
    const implicit = isImplicit(field) && field.fieldKind !== "list" && field.fieldKind !== "map";
    // A zero that was written although it need not be.
    const unusual = implicit && !compiler.options.alwaysEmitImplicit;
    return showScalar(field, unusual, compiler.source);
  }
  if ("delimitedEncoding" in field && field.delimitedEncoding) return "decline();";
  return `{ const e = r.sub(); ${showMessage(planOf(compiler.plan, field.message), compiler)} }`;
}

function showScalar(field: DescField, refuseZero: boolean, source: Source): string {
  if (field.scalar === ScalarType.STRING) return `j.string(r, ${refuseZero});`;
  const zero = refuseZero ? `if (!(${isNotZero("v", field)})) decline();` : "";
  const read = `const v = r.${wireScalar(field).get}(); ${zero}`;
  if (!field.enum) return `{ ${read} ${showValue(field)} }`;
  if (field.enum.typeName === nullValue) return `{ ${read} j.text("null"); }`;
  const texts = new Map([...enumTexts(field.enum)].map(([number, text]) => [number, Buffer.from(text)]));
  // Numbers that a closed enum lacks are no values of a field.
  const other = field.enum.open ? "" : `if (!${source.bind(texts)}.has(v)) decline();`;
  return `{ ${read} ${other} showEnum(j, v, ${source.bind(texts)}); }`;
}

function showValue(field: DescField): string {
  if (field.scalar === ScalarType.BYTES) return "showBytes(j, v);";
  const { show } = wireScalar(field);
  if (show === "showBool") return 'j.text(v ? "true" : "false");';
  if (show === "showDouble") return "j.number(v);";
  return show === "showLong" ? "j.long(v);" : "j.integer(v);";
}

function showMessage({ id, desc, shape, fields }: MessagePlan, { source, options }: Compiler): string {
  const [value] = fields;
  switch (shape) {
    case "fields":
      return `show${id}(j, r, e);`;
    case "wrapper":
      return value ? showWrapped(value, source) : "decline();";
    case "timestamp":
    case "duration":
      return `showTime(j, r, e, ${shape === "duration"});`;
    default:
      return `showForeign(j, r, e, ${source.bind(desc)}, ${source.bind(options)});`;
  }
}

function showWrapped(value: DescField, source: Source): string {
  const tag = tagOf(value, wireScalar(value).wireType);
  return `r.enter(); if (r.at === e) j.text(${literal(zeroText(value))}); else { if (r.tag() !== ${tag}) decline(); ${showScalar(value, false, source)} } r.leave(e);`;
}
