import {
  type DescEnum,
  type DescField,
  getOption,
  type JsonObject,
  type JsonValue,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { type FieldRules, field as fieldOption, Ignore } from "#gen/ts/buf/validate/validate_pb.js";

type StringRules = Extract<FieldRules["type"], { case: "string" }>["value"];
type Keywords = Record<string, JsonValue | undefined>;

/** The validation rules of a field; those that say to be ignored are none. */
export function rulesOf(field: DescField): FieldRules | undefined {
  const rules = getOption(field, fieldOption);
  return rules.ignore === Ignore.ALWAYS ? undefined : rules;
}

/** The part of a field's validation rules that JSON Schema can say, as keywords beside its type. */
export function ruleKeywords(rules: FieldRules | undefined, values?: DescEnum): JsonObject {
  return rules ? defined({ ...typeKeywords(rules, values), ...celKeywords(rules) }) : {};
}

/** The rules of a list's items, or of a map's keys and values. */
export function innerRules(rules: FieldRules | undefined): {
  items?: FieldRules | undefined;
  keys?: FieldRules | undefined;
} {
  const type = rules?.type;
  if (type?.case === "repeated") return { items: type.value.items };
  if (type?.case === "map") return { items: type.value.values, keys: type.value.keys };
  return {};
}

/** Whether a request without the field breaks its rules: it is required, or its zero value is refused. */
export function isRequired(field: DescField): boolean {
  const rules = rulesOf(field);
  if (!rules) return false;
  if (rules.required) return true;
  if (hasPresence(field) || rules.ignore === Ignore.IF_ZERO_VALUE) return false;
  return refusesZero(rules);
}

/** Whether the field can be absent; printing shows one that cannot, whatever its value. */
export function hasPresence({ fieldKind, presence }: DescField): boolean {
  return fieldKind !== "list" && fieldKind !== "map" && presence !== FeatureSet_FieldPresence.IMPLICIT;
}

/** The values that the rules give as examples, in ProtoJSON where that is plain. */
export function ruleExamples(rules: FieldRules | undefined): JsonValue[] {
  const value = rules?.type.value as { example?: unknown[] } | undefined;
  return (value?.example ?? []).flatMap((example): JsonValue[] => {
    if (typeof example === "bigint") return [String(example)];
    return typeof example === "string" || typeof example === "number" || typeof example === "boolean"
      ? [example]
      : [];
  });
}

function typeKeywords({ type }: FieldRules, values?: DescEnum): Keywords {
  switch (type.case) {
    case "string":
      return stringKeywords(type.value);
    case "bytes":
      return {};
    case "bool":
      return { const: optional(type.value, "const") };
    case "enum":
      return enumKeywords(type.value, values);
    case "repeated":
      return {
        minItems: positive(type.value.minItems),
        maxItems: count(type.value, "maxItems"),
        uniqueItems: type.value.unique || undefined,
      };
    case "map":
      return { minProperties: positive(type.value.minPairs), maxProperties: count(type.value, "maxPairs") };
    case "duration":
    case "timestamp":
    case "any":
    case "fieldMask":
    case undefined:
      return {};
    default:
      return numberKeywords(type.value as unknown as NumberRules);
  }
}

const formats: Partial<Record<NonNullable<StringRules["wellKnown"]["case"]>, string>> = {
  email: "email",
  hostname: "hostname",
  ipv4: "ipv4",
  ipv6: "ipv6",
  uri: "uri",
  uriRef: "uri-reference",
  uuid: "uuid",
};

function stringKeywords(rules: StringRules): Keywords {
  const { wellKnown } = rules;
  const length = count(rules, "len");
  return {
    const: optional(rules, "const"),
    enum: rules.in.length > 0 ? rules.in : undefined,
    minLength: length ?? positive(rules.minLen),
    maxLength: length ?? count(rules, "maxLen"),
    pattern: optional(rules, "pattern") ?? affixPattern(rules),
    format: wellKnown.case && wellKnown.value ? formats[wellKnown.case] : undefined,
  };
}

function affixPattern(rules: StringRules): string | undefined {
  if (rules.prefix === "" && rules.suffix === "") return undefined;
  const [prefix, suffix] = [rules.prefix, rules.suffix].map((text) =>
    text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"),
  );
  return `${prefix && `^${prefix}`}${prefix && suffix && "[^]*"}${suffix && `${suffix}$`}`;
}

function enumKeywords(rules: { const: number; in: number[]; notIn: number[] }, values?: DescEnum): Keywords {
  if (!values) return {};
  const stated = optional(rules, "const");
  const allowed = values.values.filter(
    ({ number }) =>
      (stated === undefined || number === stated) &&
      (rules.in.length === 0 || rules.in.includes(number)) &&
      !rules.notIn.includes(number),
  );
  return allowed.length < values.values.length ? { enum: allowed.map(({ name }) => name) } : {};
}

type Quantity = number | bigint;
interface NumberRules {
  readonly const: Quantity;
  readonly in: readonly Quantity[];
  readonly notIn: readonly Quantity[];
  readonly lessThan: { readonly case?: "lt" | "lte" | undefined; readonly value?: Quantity | undefined };
  readonly greaterThan: { readonly case?: "gt" | "gte" | undefined; readonly value?: Quantity | undefined };
}

/** 64-bit numbers are strings in JSON, which these keywords do not bound. */
function numberKeywords(rules: NumberRules): Keywords {
  const bound = (value: Quantity | undefined) => (typeof value === "number" ? value : undefined);
  const { lessThan, greaterThan } = rules;
  const listed = rules.in.filter((value) => typeof value === "number");
  return {
    const: bound(optional(rules, "const")),
    enum: listed.length > 0 ? listed : undefined,
    [lessThan.case === "lt" ? "exclusiveMaximum" : "maximum"]: bound(lessThan.value),
    [greaterThan.case === "gt" ? "exclusiveMinimum" : "minimum"]: bound(greaterThan.value),
  };
}

/** What a rule in CEL demands is for people: its message. */
function celKeywords({ cel }: FieldRules): Keywords {
  const demands = cel.map(({ message }) => message).filter((message) => message !== "");
  return demands.length > 0 ? { "x-rules": demands } : {};
}

function refusesZero({ type }: FieldRules): boolean {
  switch (type.case) {
    case "string": {
      const rules = type.value;
      const keywords = stringKeywords(rules);
      const { minLength = 0, pattern } = keywords as { minLength?: number; pattern?: string };
      return (
        minLength > 0 ||
        rules.minBytes > 0n ||
        (optional(rules, "const") ?? "") !== "" ||
        (rules.in.length > 0 && !rules.in.includes("")) ||
        (rules.wellKnown.case !== undefined &&
          rules.wellKnown.case !== "uriRef" &&
          rules.wellKnown.value !== false) ||
        (pattern !== undefined && !new RegExp(pattern, "u").test(""))
      );
    }
    case "bytes":
      return type.value.minLen > 0n || type.value.len > 0n;
    case "bool":
      return optional(type.value, "const") === true;
    case "repeated":
      return type.value.minItems > 0n;
    case "map":
      return type.value.minPairs > 0n;
    case "duration":
    case "timestamp":
    case "any":
    case "fieldMask":
    case undefined:
      return false;
    default:
      return numberRefusesZero(type.value as unknown as NumberRules);
  }
}

function numberRefusesZero(rules: NumberRules): boolean {
  const { lessThan, greaterThan } = rules;
  const [most, least] = [Number(lessThan?.value ?? 0), Number(greaterThan?.value ?? 0)];
  return (
    Number(optional(rules, "const") ?? 0) !== 0 ||
    (rules.in.length > 0 && !rules.in.some((value) => Number(value) === 0)) ||
    (rules.notIn ?? []).some((value) => Number(value) === 0) ||
    (lessThan?.case !== undefined && (lessThan.case === "lt" ? most <= 0 : most < 0)) ||
    (greaterThan?.case !== undefined && (greaterThan.case === "gt" ? least >= 0 : least > 0))
  );
}

/** A proto2 field that is set; protobuf-es keeps defaults in the prototype. */
function optional<M extends object, K extends keyof M>(rules: M, name: K): M[K] | undefined {
  return Object.hasOwn(rules, name) ? rules[name] : undefined;
}

function count<M extends object>(rules: M, name: keyof M): number | undefined {
  const value = optional(rules, name);
  return value === undefined ? undefined : Number(value);
}

function positive(value: bigint): number | undefined {
  return value > 0n ? Number(value) : undefined;
}

function defined(keywords: Keywords): JsonObject {
  return Object.fromEntries(
    Object.entries(keywords).filter(([, value]) => value !== undefined),
  ) as JsonObject;
}
