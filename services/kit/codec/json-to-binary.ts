import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { holdsNull, membersLoop, requireMet } from "./json-members.js";
import {
  cursor,
  foreignOptions,
  type JsonReaderOptions,
  jsonRuntime,
  readAll,
  readKey,
  readScalar,
  valueLevels,
} from "./json-to-message.js";
import { writer } from "./message-to-binary.js";
import { isImplicit, isRequired, type MessagePlan, type Plan, planMessage, planOf } from "./plan.js";
import { attempt } from "./runtime/decline.js";
import { copyKey, copyString, foreignCopier, KeyRanges } from "./runtime/json-copy.js";
import type { JsonCursor } from "./runtime/json-cursor.js";
import type { WireWriter } from "./runtime/wire-writer.js";
import { isNotZero, scalar, tagOf, wireScalar } from "./scalars.js";
import { createSource, type Source } from "./source.js";

const runtime = {
  ...jsonRuntime,
  copyKey,
  copyString,
  KeyRanges,
  copyForeign: foreignCopier(jsonRuntime.readForeign),
};

/**
 * Compiles turning JSON text into the binary format with no message between,
 * behind as many bytes as are reserved. Fields come in the order of the text.
 * The result is undefined for what protobuf-es has to decide.
 */
export function compileJsonToBinary(
  desc: DescMessage,
  options: JsonReaderOptions,
): ((text: string | Uint8Array, reserved: number) => Buffer | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (root.shape === "foreign") return undefined;
  const source = createSource(runtime);
  const compiler = { plan, source, options };
  for (const message of plan.values()) if (message.shape === "fields") source.add(copier(message, compiler));
  const run = source.build<(c: JsonCursor, w: WireWriter) => void>(
    `(c, w) => { ${copyMessage(root, compiler)} }`,
  );
  const limit = options.depthLimit - valueLevels;
  return (text, reserved) => {
    const bytes = attempt((given) => {
      writer.start(reserved);
      readAll(given, limit, (from) => run(from, writer));
      return writer.finish();
    }, text);
    cursor.unload();
    return bytes;
  };
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
  readonly options: JsonReaderOptions;
}

function copier(message: MessagePlan, compiler: Compiler): string {
  const { source, options } = compiler;
  const oneofs = message.desc.oneofs.map((_, index) => `let o${index} = false;`).join(" ");
  const loop = membersLoop(message, source, options.unknown, (field) => copyField(field, message, compiler));
  return `function copy${message.id}(c, w) {\n${oneofs}\n${loop}\n${requireMet(message.fields)}\n}`;
}

function copyField(field: DescField, { desc }: MessagePlan, compiler: Compiler): string {
  if (field.oneof) {
    const met = `o${desc.oneofs.indexOf(field.oneof)}`;
    // What a null means to a oneof, protobuf-es decides.
    return `if (${met}) decline(); ${met} = true; ${copyItem(field, compiler)}`;
  }
  if (field.fieldKind === "list") return copyList(field, compiler);
  if (field.fieldKind === "map") return copyMap(field, compiler);
  if (holdsNull(field)) return copyItem(field, compiler);
  const otherwise = isRequired(field) ? " else decline();" : "";
  return `if (!c.isNull()) { ${copyItem(field, compiler)} }${otherwise}`;
}

function copyList(field: DescField & { fieldKind: "list" }, compiler: Compiler): string {
  if (!field.packed) {
    return `if (!c.isNull() && c.list()) do { ${copyItem(field, compiler)} } while (c.item());`;
  }
  const item = `w.${wireScalar(field).put}(${readScalar(field, compiler.source)});`;
  return `if (!c.isNull() && c.list()) { w.uint32(${tagOf(field, 2)}); const a = w.open(); do { ${item} } while (c.item()); w.close(a); }`;
}

function copyMap(field: DescField & { fieldKind: "map" }, compiler: Compiler): string {
  const isText = field.mapKey === ScalarType.STRING;
  const { put, wireType } = scalar(field.mapKey);
  const otherKey = `const k = ${readKey(field.mapKey)}; if (n.has(k)) decline(); n.add(k); w.uint32(${(1 << 3) | wireType}); w.${put}(${keyOf(field.mapKey)});`;
  const key = isText ? "copyKey(c, w, n);" : otherKey;
  const value = copyItem(field, compiler, 2);
  return `if (!c.isNull() && c.object()) { const n = new ${isText ? "KeyRanges" : "Set"}(); do { w.uint32(${tagOf(field, 2)}); const a = w.open(); ${key} ${value} w.close(a); } while (c.member()); }`;
}

function keyOf(type: ScalarType): string {
  if (type === ScalarType.BOOL) return 'k === "true"';
  return scalar(type).show === "showLong" ? "BigInt(k)" : "Number(k)";
}

/** Statements that copy a value with its tag. */
function copyItem(field: DescField, compiler: Compiler, number = field.number): string {
  const tag = (wireType: number) => ((number << 3) | wireType) >>> 0;
  if (!field.message) {
    const implicit = isImplicit(field) && field.fieldKind !== "list" && field.fieldKind !== "map";
    return copyScalar(field, tag(wireScalar(field).wireType), implicit, compiler.source);
  }
  const body = copyMessage(planOf(compiler.plan, field.message), compiler);
  if ("delimitedEncoding" in field && field.delimitedEncoding) {
    return `{ w.uint32(${tag(3)}); ${body} w.uint32(${tag(4)}); }`;
  }
  return `{ w.uint32(${tag(2)}); const b = w.open(); ${body} w.close(b); }`;
}

function copyScalar(field: DescField, tag: number, implicit: boolean, source: Source): string {
  if (field.scalar === ScalarType.STRING) return `copyString(c, w, ${tag}, ${!implicit});`;
  const put = `w.uint32(${tag}); w.${wireScalar(field).put}(v);`;
  const body = implicit ? `if (${isNotZero("v", field)}) { ${put} }` : put;
  return `{ const v = ${readScalar(field, source)}; ${body} }`;
}

function copyMessage({ id, desc, shape, fields }: MessagePlan, { source, options }: Compiler): string {
  switch (shape) {
    case "fields":
      return `copy${id}(c, w);`;
    case "wrapper":
      return fields[0]
        ? copyScalar(fields[0], tagOf(fields[0], wireScalar(fields[0]).wireType), true, source)
        : "decline();";
    case "timestamp":
      return "writeSeconds(w, timestampOf(c.string()));";
    case "duration":
      return "writeSeconds(w, durationOf(c.string()));";
    case "struct":
      return "writeStruct(w, readObject(c));";
    case "value":
      return "writeValue(w, readValue(c));";
    case "list":
      return "writeList(w, readList(c));";
    case "foreign":
      return `copyForeign(c, w, ${source.bind(desc)}, ${source.bind(foreignOptions(options))});`;
  }
}
