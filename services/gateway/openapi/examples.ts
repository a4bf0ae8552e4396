import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from "@bufbuild/protobuf";
import { innerRules, isRequired, ruleExamples, ruleKeywords, rulesOf } from "./rules.js";
import { type Direction, isOutputOnly } from "./schemas.js";

/** How names are spelt: as REST does, or as generated TypeScript does. */
export type Spelling = "snake_case" | "lowerCamelCase";

/** Which example is wanted. */
export interface ExampleOptions {
  /** A request has what it must have and what the contract has an example of; a response has everything. */
  readonly direction: Direction;
  readonly spelling?: Spelling;
}

const id = "0197f2a4-6d1c-7b3e-9a52-3c8f1e0d4b76";

const wellKnown: Readonly<Record<string, JsonValue>> = {
  "google.protobuf.Timestamp": "2026-01-31T12:00:00Z",
  "google.protobuf.Duration": "1.5s",
  "google.protobuf.FieldMask": "name",
  "google.protobuf.Empty": {},
  "google.protobuf.Struct": {},
  "google.protobuf.ListValue": [],
  "google.protobuf.Value": null,
  "google.protobuf.Any": { "@type": "type.googleapis.com/google.protobuf.Empty" },
};

/** A message as an example. The same message always gives the same one. */
export function messageExample(
  message: DescMessage,
  options: ExampleOptions,
  parents: readonly DescMessage[] = [],
): JsonObject {
  const within = [...parents, message];
  const { direction, spelling = "snake_case" } = options;
  // Of a oneof, one member at most.
  const fields = message.fields.filter(
    (field) =>
      !(field.message && within.includes(field.message)) &&
      (!field.oneof || field.oneof.fields[0] === field) &&
      (direction === "response" || isShown(field)),
  );
  return Object.fromEntries(
    fields.map((field) => [
      spelling === "snake_case" ? field.name : field.localName,
      fieldExample(field, options, within),
    ]),
  );
}

/** The value of a field as an example. */
export function fieldExample(
  field: DescField,
  options: ExampleOptions,
  parents: readonly DescMessage[] = [],
): JsonValue {
  const { items } = innerRules(rulesOf(field));
  const single = field.message
    ? (wellKnown[field.message.typeName] ?? messageExample(field.message, options, parents))
    : valueExample(field, field.fieldKind === "list" || field.fieldKind === "map" ? items : rulesOf(field));
  if (field.fieldKind === "list") return [single];
  return field.fieldKind === "map" ? { key: single } : single;
}

function isShown(field: DescField): boolean {
  if (isOutputOnly(field)) return false;
  const rules = rulesOf(field);
  const examples = [...ruleExamples(rules), ...ruleExamples(innerRules(rules).items)];
  return isRequired(field) || examples.length > 0;
}

function valueExample(field: DescField, rules: ReturnType<typeof rulesOf>): JsonValue {
  const [stated] = ruleExamples(rules);
  if (stated !== undefined) return stated;
  const { format, minimum, maximum, minLength = 0 } = ruleKeywords(rules, field.enum);
  if (field.enum) return field.enum.values[field.enum.values.length > 1 ? 1 : 0]!.name;
  switch (field.scalar) {
    case ScalarType.STRING:
      return format === "uuid" || isId(field)
        ? id
        : field.name.replaceAll("_", " ").padEnd(Number(minLength), ".");
    case ScalarType.BOOL:
      return true;
    case ScalarType.BYTES:
      return "AA==";
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return Number(maximum ?? minimum ?? 0.5);
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return "1";
    default:
      return Number(maximum ?? minimum ?? 1);
  }
}

function isId({ name }: DescField): boolean {
  return name === "id" || name.endsWith("_id");
}
