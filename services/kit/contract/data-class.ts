import {
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { DataClass, data } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { maskSecrets } from "../mask-secrets.js";

const depthBound = 6;
const itemBound = 20;
const valueBound = 500;
const stringBound = 200;

/** Types whose content the contract does not describe, so that no class is known of it. */
const opaque = new Set(["Any", "Struct", "Value", "ListValue"].map((name) => `google.protobuf.${name}`));
const textual = new Set(["Timestamp", "Duration", "FieldMask"].map((name) => `google.protobuf.${name}`));

/** A message as `redactFields` shows it; a log takes nothing else for a message. */
export interface RedactedFields {
  readonly [field: string]: unknown;
}

interface FieldPlan {
  readonly field: DescField;
  readonly mask: string | undefined;
}

const plans = new WeakMap<DescMessage, readonly FieldPlan[]>();
const made = new WeakSet<object>();

/** How sensitive the field's content is; INTERNAL when the contract does not say. */
export function dataClassOf(field: DescField): DataClass {
  const stated = hasOption(field, data) ? getOption(field, data) : DataClass.UNSPECIFIED;
  return stated === DataClass.UNSPECIFIED ? DataClass.INTERNAL : stated;
}

/**
 * The fields of a message that are set, by their proto names, for a debug log.
 * What is CONFIDENTIAL or RESTRICTED shows its class instead, at every depth.
 * Bounds: 6 levels, 20 items of a list or map, 200 characters of a string, 500
 * values in all. Bytes show their number, `Any` and `Struct` nothing.
 */
export function redactFields<S extends DescMessage>(schema: S, message: MessageShape<S>): RedactedFields {
  const fields = showMessage(reflect(schema, message, false), { depth: 0, budget: { left: valueBound } });
  made.add(fields);
  return fields;
}

/** Whether the value came from `redactFields`. */
export function isRedacted(value: unknown): value is RedactedFields {
  return typeof value === "object" && value !== null && made.has(value);
}

interface Bounds {
  readonly depth: number;
  readonly budget: { left: number };
}

function planOf(schema: DescMessage): readonly FieldPlan[] {
  const known = plans.get(schema);
  if (known) return known;
  const fields = opaque.has(schema.typeName) ? [] : schema.fields;
  const plan = fields.map((field) => ({ field, mask: maskOf(field) }));
  plans.set(schema, plan);
  return plan;
}

function maskOf(field: DescField): string | undefined {
  const dataClass = dataClassOf(field);
  if (dataClass === DataClass.RESTRICTED) return "[restricted]";
  return dataClass === DataClass.CONFIDENTIAL ? "[confidential]" : undefined;
}

function showMessage(message: ReflectMessage, bounds: Bounds): Record<string, unknown> {
  const shown = planOf(message.desc)
    .filter(({ field }) => message.isSet(field))
    .map(({ field, mask }) => [field.name, mask ?? showField(message, field, bounds)]);
  return Object.fromEntries(shown);
}

function showField(message: ReflectMessage, field: DescField, bounds: Bounds): unknown {
  switch (field.fieldKind) {
    case "list":
      return firstOf(message.get(field)).map((item) => show(item, field, bounds));
    case "map": {
      const entries = firstOf(message.get(field).entries());
      return Object.fromEntries(
        entries.map(([key, value]) => [cut(String(key)), show(value, field, bounds)]),
      );
    }
    default:
      return show(message.get(field), field, bounds);
  }
}

function show(value: unknown, field: DescField, bounds: Bounds): unknown {
  if (bounds.budget.left-- <= 0) return "[cut]";
  if (isReflectMessage(value)) return showNested(value, bounds);
  if (field.enum) return field.enum.value[value as number]?.name ?? value;
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (typeof value === "bigint") return value.toString();
  return typeof value === "string" ? cut(value) : value;
}

function showNested(message: ReflectMessage, bounds: Bounds): unknown {
  const { typeName } = message.desc;
  if (opaque.has(typeName)) return "[opaque]";
  if (textual.has(typeName)) return jsonOf(message);
  if (bounds.depth + 1 >= depthBound) return "[too deep]";
  return showMessage(message, { depth: bounds.depth + 1, budget: bounds.budget });
}

/** Out of range, these have no JSON form. */
function jsonOf(message: ReflectMessage): unknown {
  try {
    return cut(String(toJson(message.desc, message.message)));
  } catch {
    return "[not valid]";
  }
}

function firstOf<T>(items: Iterable<T>): T[] {
  const first: T[] = [];
  for (const item of items) {
    first.push(item);
    if (first.length === itemBound) break;
  }
  return first;
}

function cut(text: string): string {
  const start = maskSecrets(text.slice(0, stringBound));
  return text.length > stringBound ? `${start}…` : start;
}
