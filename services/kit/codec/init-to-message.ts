import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
  ScalarType,
} from "@bufbuild/protobuf";
import { isUnwrapped, type MessagePlan, type Plan, planMessage, planOf, property } from "./plan.js";
import { attempt } from "./runtime/decline.js";
import { isObject } from "./runtime/well-known.js";
import { typeName } from "./scalars.js";
import { createSource, literal, type Source } from "./source.js";

const runtime = {
  create,
  isObject,
  toBytes: (value: unknown) => (Array.isArray(value) ? new Uint8Array(value) : value),
  mapValues(map: Readonly<Record<string, unknown>>, make: (value: unknown) => unknown) {
    const made: Record<string, unknown> = {};
    for (const key of Object.keys(map)) made[key] = make(map[key]);
    return made;
  },
};

/**
 * Compiles making a message of an initializer, as `create` of protobuf-es does. The result is undefined for what
 * protobuf-es has to decide.
 */
export function compileInitToMessage(
  desc: DescMessage,
): ((init: unknown) => Message | undefined) | undefined {
  const plan = planMessage(desc);
  const root = planOf(plan, desc);
  if (!isMade(root)) return undefined;
  const source = createSource(runtime);
  const compiler = { plan, source };
  for (const message of plan.values()) if (isMade(message)) source.add(maker(message, compiler));
  const run = source.build<(init: unknown) => Message>(`make${root.id}`);
  return (init) => attempt(run, init);
}

interface Compiler {
  readonly plan: Plan;
  readonly source: Source;
}

/** What has defaults on its prototype is left to protobuf-es. */
function isMade({ exotic, empty }: MessagePlan): boolean {
  return !exotic && empty !== undefined;
}

function maker({ id, desc, empty }: MessagePlan, compiler: Compiler): string {
  const members = desc.members.map((member) =>
    member.kind === "oneof" ? setOneof(member, compiler) : setField(member, compiler),
  );
  return `function make${id}(i) {
if (i.$typeName === ${typeName(desc)}) return i;
const m = ${empty};
let v;
${members.join("\n")}
return m;
}`;
}

function setField(field: DescField, compiler: Compiler): string {
  return `if ((v = ${property("i", field)}) != null) ${property("m", field)} = ${fieldValue(field, compiler)};`;
}

function setOneof(oneof: DescOneof, compiler: Compiler): string {
  const cases = oneof.fields.map((field) => {
    const name = literal(field.localName);
    return `case ${name}: ${property("m", oneof)} = { case: ${name}, value: ${fieldValue(field, compiler)} }; break;`;
  });
  return `{ const o = ${property("i", oneof)}; if (o != null) { v = o.value; switch (o.case) {
${cases.join("\n")}
} } }`;
}

/** An expression for what becomes of `v` as the value of a field. */
function fieldValue(field: DescField, compiler: Compiler): string {
  const item = itemOf("v", field, compiler);
  if (item === "v") return "v";
  const each = `(e) => ${itemOf("e", field, compiler)}`;
  if (field.fieldKind === "list") return `(Array.isArray(v) ? v.map(${each}) : v)`;
  if (field.fieldKind === "map") return `(isObject(v) ? mapValues(v, ${each}) : v)`;
  return item;
}

function itemOf(value: string, field: DescField, { plan, source }: Compiler): string {
  if (field.scalar === ScalarType.BYTES) return `toBytes(${value})`;
  if (!field.message) return value;
  const message = planOf(plan, field.message);
  if (isUnwrapped(field, plan)) {
    const [inner] = message.fields;
    return message.shape === "wrapper" && inner?.scalar === ScalarType.BYTES ? `toBytes(${value})` : value;
  }
  const made = isMade(message)
    ? `make${message.id}(${value})`
    : `create(${source.bind(field.message)}, ${value})`;
  return `(isObject(${value}) ? ${made} : ${value})`;
}
