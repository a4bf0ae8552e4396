import { create, type DescField, type DescMessage, type Message, type Registry } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence, isWrapperDesc } from "@bufbuild/protobuf/wkt";
import { literal } from "./source.js";

/** The JSON of a message: its fields, a form of its own, or (foreign) what protobuf-es makes of it. */
export type Shape = "fields" | "wrapper" | "timestamp" | "duration" | "struct" | "value" | "list" | "foreign";

/** What the compilers know of one message type. */
export interface MessagePlan {
  readonly id: number;
  readonly desc: DescMessage;
  readonly shape: Shape;
  /** Whether protobuf-es alone codes it, in binary too. */
  readonly exotic: boolean;
  /** By ascending number, as protobuf-es writes them. */
  readonly fields: readonly DescField[];
  /** An expression that makes a message with nothing set; undefined when only protobuf-es can. */
  readonly empty: string | undefined;
}

/** A message type and all that its fields lead to. */
export type Plan = ReadonlyMap<DescMessage, MessagePlan>;

/** Plans a message type. */
export function planMessage(root: DescMessage): Plan {
  const plan = new Map<DescMessage, MessagePlan>();
  const visit = (desc: DescMessage): void => {
    if (plan.has(desc)) return;
    const exotic = isExotic(desc);
    const shape = exotic ? "foreign" : shapeOf(desc);
    const fields = [...desc.fields].sort((a, b) => a.number - b.number);
    plan.set(desc, { id: plan.size, desc, shape, exotic, fields, empty: emptyMessage(desc) });
    if (exotic) return;
    for (const { message } of fields) if (message) visit(message);
  };
  visit(root);
  return plan;
}

/** The plan of a type that another one's field leads to. */
export function planOf(plan: Plan, desc: DescMessage): MessagePlan {
  const found = plan.get(desc);
  if (!found) throw new Error(`${desc.typeName} is not planned`);
  return found;
}

const shapes: Readonly<Record<string, Shape>> = {
  "google.protobuf.Any": "foreign",
  "google.protobuf.FieldMask": "foreign",
  "google.protobuf.Timestamp": "timestamp",
  "google.protobuf.Duration": "duration",
  "google.protobuf.Struct": "struct",
  "google.protobuf.Value": "value",
  "google.protobuf.ListValue": "list",
};

// Code beyond some size is not optimised by V8, so that compiling it gains nothing.
const mostFields = 400;

function shapeOf(desc: DescMessage): Shape {
  const known = shapes[desc.typeName];
  return known ?? (isWrapperDesc(desc) ? "wrapper" : "fields");
}

function isExotic(desc: DescMessage): boolean {
  const names = desc.fields.flatMap(({ name, jsonName }) => (name === jsonName ? [name] : [name, jsonName]));
  const ambiguous = new Set(names).size < names.length || names.includes("__proto__");
  const hidden = desc.members.some(({ localName }) => localName === "__proto__");
  const messageSet = desc.proto.options?.messageSetWireFormat === true;
  return ambiguous || hidden || messageSet || desc.fields.length > mostFields;
}

/** Whether a field is unset when it is zero. */
export function isImplicit(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.IMPLICIT;
}

/** Whether a message without the field must not be written (proto2). */
export function isRequired(field: DescField): boolean {
  return field.presence === FeatureSet_FieldPresence.LEGACY_REQUIRED;
}

/** Whether a message's property holds the value of a wrapper, or a Struct as JSON, instead of a message. */
export function isUnwrapped(field: DescField, plan: Plan): boolean {
  if (!field.message) return false;
  const { shape } = planOf(plan, field.message);
  if (shape === "struct") return field.parent?.typeName !== "google.protobuf.Value";
  return shape === "wrapper" && field.fieldKind === "message" && !field.oneof;
}

/** Whether messages of the type may carry extensions that the registry knows. */
export function isExtended(desc: DescMessage, registry: Registry | undefined): boolean {
  for (const type of registry ?? []) {
    if (type.kind === "extension" && type.extendee.typeName === desc.typeName) return true;
  }
  return false;
}

/** Where a message keeps a field or a oneof. */
export function property(of: string, member: { readonly localName: string }): string {
  return `${of}[${literal(member.localName)}]`;
}

/** Whether the field is set in the message, as an expression. */
export function isSet(of: string, field: DescField, empty: MessagePlan["empty"]): string {
  if (field.oneof) return `${property(of, field.oneof)}.case === ${literal(field.localName)}`;
  const value = property(of, field);
  if (empty !== undefined || field.message) return `${value} !== undefined`;
  // Defaults are on the prototype of messages that track presence.
  return `(${value} !== undefined && Object.hasOwn(${of}, ${literal(field.localName)}))`;
}

function emptyMessage(desc: DescMessage): string | undefined {
  const message: Message = create(desc);
  if (Object.getPrototypeOf(message) !== Object.prototype) return undefined;
  const members = Object.entries(message).map(([name, value]) => `${literal(name)}: ${zeroLiteral(value)}`);
  return `{ ${members.join(", ")} }`;
}

function zeroLiteral(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return "[]";
  if (value instanceof Uint8Array) return "new Uint8Array(0)";
  if (typeof value === "object") return value && "case" in value ? "{ case: undefined }" : "{}";
  return typeof value === "string" ? literal(value) : String(value);
}
