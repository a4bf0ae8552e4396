import {
  type DescField,
  type DescMessage,
  type JsonValue,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { errors } from "../../kit/errors.js";
import { fieldOf } from "./field-name.js";
import { type ExactJson, NumberText } from "./json-text.js";

/**
 * Turns numbers kept as text into what each field of the message takes: exact
 * digits where it has 64 bits, a double elsewhere. `JSON.parse` would have
 * rounded an integer beyond 2^53 without a word.
 */
export function settleNumbers(json: ExactJson, message: DescMessage, registry?: Registry): JsonValue {
  if (anyJson.has(message.typeName)) return asDoubles(requireFinite(json));
  if (json instanceof NumberText || json === null || typeof json !== "object") {
    return settleWrapped(json, message);
  }
  if (message.typeName === "google.protobuf.Any") return settleAny(json, registry);
  if (Array.isArray(json) || message.typeName.startsWith("google.protobuf.")) return asDoubles(json);
  return mapValues(json, (value, name) => {
    const field = fieldOf(message, name);
    return field ? settleField(value, field, registry) : asDoubles(value);
  });
}

/** As `settleNumbers`, for the value of one field. */
export function settleField(json: ExactJson, field: DescField, registry?: Registry): JsonValue {
  const item = (value: ExactJson): JsonValue => {
    if (field.message) return settleNumbers(value, field.message, registry);
    return isLong(field) ? asLong(value) : asDoubles(value);
  };
  if (field.fieldKind === "list" && Array.isArray(json)) return json.map(item);
  if (field.fieldKind === "map" && isObject(json)) return mapValues(json, item);
  return item(json);
}

/** What these hold is JSON again, which has no number beyond the range of doubles. */
const anyJson: ReadonlySet<string> = new Set(
  ["Struct", "Value", "ListValue"].map((name) => `google.protobuf.${name}`),
);

function requireFinite(json: ExactJson): ExactJson {
  if (json instanceof NumberText && !Number.isFinite(Number(json.text))) {
    throw errors.bodyMalformed({ problem: "it has a number beyond the range of doubles" });
  }
  if (Array.isArray(json)) for (const item of json) requireFinite(item);
  else if (isObject(json)) for (const value of Object.values(json)) requireFinite(value);
  return json;
}

function settleAny(json: ExactJson, registry: Registry | undefined): JsonValue {
  const url = isObject(json) ? json["@type"] : undefined;
  const desc =
    typeof url === "string" ? registry?.getMessage(url.slice(url.lastIndexOf("/") + 1)) : undefined;
  if (!desc || !isObject(json)) return asDoubles(json);
  const custom = desc.typeName.startsWith("google.protobuf.");
  return mapValues(json, (value, name) => {
    if (custom && name === "value") return settleNumbers(value, desc, registry);
    const field = fieldOf(desc, name);
    return field ? settleField(value, field, registry) : asDoubles(value);
  });
}

function settleWrapped(json: ExactJson, message: DescMessage): JsonValue {
  const value = message.typeName.endsWith("Int64Value") ? message.fields[0] : undefined;
  return value && isLong(value) ? asLong(json) : asDoubles(json);
}

function asLong(json: ExactJson): JsonValue {
  // The text itself is no whole number, so that reading it fails as it should.
  return json instanceof NumberText ? (exactInteger(json.text) ?? json.text) : asDoubles(json);
}

function asDoubles(json: ExactJson): JsonValue {
  if (json instanceof NumberText) return Number(json.text);
  if (Array.isArray(json)) return json.map(asDoubles);
  return isObject(json) ? mapValues(json, asDoubles) : (json as JsonValue);
}

function mapValues(
  json: { [name: string]: ExactJson },
  change: (value: ExactJson, name: string) => JsonValue,
): JsonValue {
  return Object.fromEntries(Object.entries(json).map(([name, value]) => [name, change(value, name)]));
}

function isObject(json: ExactJson): json is { [name: string]: ExactJson } {
  return typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof NumberText);
}

const longTypes: ReadonlySet<ScalarType | undefined> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

function isLong(field: DescField): boolean {
  return longTypes.has(field.scalar);
}

// More than any 64-bit number has; also keeps 1e999999999 from becoming its digits.
const longestInteger = 20;

/** The digits of a JSON number whose value is whole; undefined for others and for those beyond 64 bits. */
export function exactInteger(text: string): string | undefined {
  const negative = text.startsWith("-");
  const [mantissa = "", exponent = "0"] = text
    .slice(negative ? 1 : 0)
    .toLowerCase()
    .split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return "0";
  const shift = Number(exponent) - fraction.length;
  const length = digits.length + shift;
  if (length < 1 || length > longestInteger) return undefined;
  if (shift < 0 && /[1-9]/.test(digits.slice(shift))) return undefined;
  const integer = shift < 0 ? digits.slice(0, shift) : digits + "0".repeat(shift);
  return negative ? `-${integer}` : integer;
}
