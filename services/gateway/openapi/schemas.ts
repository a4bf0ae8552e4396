import {
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescOneof,
  getOption,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import {
  type FieldRules,
  message as messageOption,
  oneof as oneofOption,
} from "#gen/ts/buf/validate/validate_pb.js";
import { FieldBehavior, field_behavior } from "#gen/ts/google/api/field_behavior_pb.js";
import { commentOf } from "./comments.js";
import { hasPresence, innerRules, isRequired, ruleExamples, ruleKeywords, rulesOf } from "./rules.js";
import { scalarSchema, wellKnownSchema } from "./well-known.js";

/** What is sent obeys rules and is closed; what is received has every field that cannot be absent. */
export type Direction = "request" | "response";

/** Makes schemas, and keeps those of messages and enums as components. */
export interface Schemas {
  /** A reference to the message's component, or the schema of a well-known one. */
  message(message: DescMessage, direction: Direction): JsonObject;
  /** An object in place, without the fields named. */
  messageWithout(message: DescMessage, without: ReadonlySet<string>, direction: Direction): JsonObject;
  /** The value of a field, described. */
  field(field: DescField, direction: Direction): JsonObject;
  /** By name, sorted. */
  components(): JsonObject;
}

/** What schemas are made of. */
export interface SchemaOptions {
  /** Messages that requests hold and responses too: the request's component is called `…Input`. */
  readonly shared: ReadonlySet<DescMessage>;
  /** Whether a field is a credential. */
  isSecret(field: DescField): boolean;
}

/** Schemas of a contract's messages in JSON Schema 2020-12, with proto field names. */
export function createSchemas({ shared, isSecret }: SchemaOptions): Schemas {
  const components = new Map<string, { readonly of: DescMessage | DescEnum; readonly schema: JsonObject }>();

  const component = (of: DescMessage | DescEnum, suffix: string, make: () => JsonObject): JsonObject => {
    const short = shortName(of) + suffix;
    const taken = components.get(short);
    const name = taken && taken.of !== of ? of.typeName + suffix : short;
    if (!components.has(name)) {
      const schema: JsonObject = {};
      components.set(name, { of, schema });
      Object.assign(schema, make());
    }
    return { $ref: `#/components/schemas/${name}` };
  };

  const message = (desc: DescMessage, direction: Direction): JsonObject =>
    wellKnownSchema({ message: desc }) ??
    component(desc, direction === "request" && shared.has(desc) ? "Input" : "", () =>
      messageWithout(desc, new Set(), direction),
    );

  const enumeration = (desc: DescEnum): JsonObject => component(desc, "", () => enumSchema(desc));

  const single = (field: DescField, rules: FieldRules | undefined, direction: Direction): JsonObject => {
    const keywords = direction === "request" ? ruleKeywords(rules, field.enum) : {};
    if (field.enum) return { ...(keywords.enum ? { type: "string" } : enumeration(field.enum)), ...keywords };
    if (field.message) return { ...message(field.message, direction), ...keywords };
    return { ...scalarSchema(field.scalar!), ...keywords };
  };

  const value = (field: DescField, direction: Direction): JsonObject => {
    const rules = rulesOf(field);
    if (field.fieldKind !== "list" && field.fieldKind !== "map") return single(field, rules, direction);
    const { items, keys } = innerRules(rules);
    const inner = single(field, items, direction);
    const own = direction === "request" ? ruleKeywords(rules) : {};
    if (field.fieldKind === "list") return { type: "array", items: inner, ...own };
    const names = direction === "request" ? ruleKeywords(keys) : {};
    const propertyNames: JsonObject = Object.keys(names).length > 0 ? { propertyNames: names } : {};
    return { type: "object", additionalProperties: inner, ...propertyNames, ...own };
  };

  const field = (desc: DescField, direction: Direction): JsonObject => {
    const comment = commentOf(desc);
    const examples = ruleExamples(rulesOf(desc));
    return {
      ...value(desc, direction),
      ...(comment && { description: comment }),
      ...(isOutputOnly(desc) && { readOnly: true }),
      ...(isSecret(desc) && desc.scalar && direction === "request" && { format: "password" }),
      ...(examples.length > 0 && { examples }),
    };
  };

  const messageWithout = (
    desc: DescMessage,
    without: ReadonlySet<string>,
    direction: Direction,
  ): JsonObject => {
    const fields = desc.fields.filter(({ name }) => !without.has(name));
    const needed = fields.filter((one) => (direction === "request" ? isRequired(one) : !hasPresence(one)));
    const description = [commentOf(desc), ...(direction === "request" ? demands(desc) : [])]
      .join("\n\n")
      .trim();
    return {
      type: "object",
      ...(description && { description }),
      properties: Object.fromEntries(fields.map((one) => [one.name, field(one, direction)])),
      ...(needed.length > 0 && { required: needed.map(({ name }) => name) }),
      ...choices(desc.oneofs),
      ...(direction === "request" && { additionalProperties: false }),
    };
  };

  const sorted = () => [...components].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    message,
    messageWithout,
    field,
    components: () => Object.fromEntries(sorted().map(([name, { schema }]) => [name, schema])),
  };
}

/** Every message that can occur in the given ones, themselves included. */
export function messagesWithin(roots: Iterable<DescMessage>): Set<DescMessage> {
  const found = new Set<DescMessage>();
  const visit = (message: DescMessage): void => {
    if (found.has(message)) return;
    found.add(message);
    for (const field of message.fields) if (field.message) visit(field.message);
  };
  for (const root of roots) visit(root);
  return found;
}

/** Whether the server sets the field and ignores what a request says of it. */
export function isOutputOnly(field: DescField): boolean {
  return getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);
}

function enumSchema(desc: DescEnum): JsonObject {
  const values = desc.values.map((value) => `- \`${value.name}\`: ${commentOf(value) || "not described"}`);
  const description = [commentOf(desc), values.join("\n")].filter((part) => part !== "").join("\n\n");
  return { type: "string", description, enum: desc.values.map(({ name }) => name) };
}

/** At most one member of each oneof, or exactly one where it is required. */
function choices(oneofs: readonly DescOneof[]): JsonObject {
  const rules = oneofs.map((oneof): JsonObject => {
    const members = oneof.fields.map(({ name }): JsonObject => ({ required: [name] }));
    const none: JsonValue[] = getOption(oneof, oneofOption).required ? [] : [{ not: { anyOf: members } }];
    return { oneOf: [...members, ...none] };
  });
  return rules.length === 0 ? {} : rules.length === 1 ? rules[0]! : { allOf: rules };
}

/** What rules in CEL demand of a whole message, which JSON Schema cannot say. */
function demands(desc: DescMessage): string[] {
  const messages = getOption(desc, messageOption).cel.map(({ message }) => message);
  const stated = messages.filter((message) => message !== "");
  return stated.length > 0 ? [stated.map((message) => `- ${message}`).join("\n")] : [];
}

/** Without the package; nested types keep their parents' names. */
function shortName(desc: DescMessage | DescEnum): string {
  const { package: name } = desc.file.proto;
  return desc.typeName.slice(name === "" ? 0 : name.length + 1);
}
