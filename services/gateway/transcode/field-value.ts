import {
  create,
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { protoSnakeCase, reflect } from "@bufbuild/protobuf/reflect";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FieldMaskSchema, isWrapperDesc } from "@bufbuild/protobuf/wkt";

/** Reads the text of a path or query value; undefined when it does not fit the field. */
export type TextReader = (text: string) => unknown;

const readers = new WeakMap<DescField, TextReader>();

/**
 * How the field's value is read from a path or a query, or an item's of a list:
 * scalars, enums, and the well-known types that JSON writes as a scalar.
 * Undefined for other messages and for maps. What it returns suits
 * `ReflectMessage.set` and `ReflectList.add`.
 */
export function textReader(field: DescField): TextReader | undefined {
  const known = readers.get(field);
  if (known) return known;
  const made = makeReader(field);
  if (made) readers.set(field, made);
  return made;
}

/** What a value of the field must be, as the end of a sentence about it. */
export function expectation(field: DescField): string {
  if (field.enum) return enumExpectation(field.enum);
  if (field.message) return messageExpectations[field.message.typeName] ?? wrapperExpectation(field.message);
  return field.scalar ? scalarExpectations[field.scalar] : "must be an object";
}

function makeReader(field: DescField): TextReader | undefined {
  if (field.fieldKind === "map") return undefined;
  if (field.enum) return enumReader(field.enum);
  if (field.scalar) return scalarReaders[field.scalar];
  return field.message && messageReader(field.message);
}

function messageReader(desc: DescMessage): TextReader | undefined {
  if (desc.typeName === "google.protobuf.FieldMask") return readMask;
  if (desc.typeName === "google.protobuf.Timestamp" || desc.typeName === "google.protobuf.Duration") {
    return (text) => readJson(desc, text);
  }
  const value = isWrapperDesc(desc) ? desc.fields[0] : undefined;
  const read = value && textReader(value);
  if (!value || !read) return undefined;
  return (text) => {
    const content = read(text);
    if (content === undefined) return undefined;
    const wrapper = reflect(desc);
    wrapper.set(value, content);
    return wrapper;
  };
}

function readJson(desc: DescMessage, text: string): unknown {
  try {
    return reflect(desc, fromJson(desc, text) as Message);
  } catch {
    return undefined;
  }
}

/**
 * Paths in either spelling: ProtoJSON has lowerCamelCase, the habit of AIP callers is snake_case.
 * Refuses a path that JSON could not say again, such as `a_1`.
 */
function readMask(text: string): unknown {
  const paths = text === "" ? [] : text.split(",").map((path) => protoSnakeCase(path));
  const mask = create(FieldMaskSchema, { paths });
  try {
    toJson(FieldMaskSchema, mask);
  } catch {
    return undefined;
  }
  return reflect(FieldMaskSchema, mask);
}

function enumReader(desc: DescEnum): TextReader {
  const numbers = new Map(desc.values.map((value) => [value.name, value.number]));
  return (text) => {
    const named = numbers.get(text);
    if (named !== undefined) return named;
    const number = readInteger(-(2 ** 31), 2 ** 31 - 1)(text) as number | undefined;
    return number !== undefined && (desc.open || desc.value[number]) ? number : undefined;
  };
}

const decimal = /^-?[0-9]+$/;
const floating = /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;
const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
const float32Max = 3.4028234663852886e38;

function readInteger(least: number, most: number): TextReader {
  return (text) => {
    const number = decimal.test(text) ? Number(text) : Number.NaN;
    return number >= least && number <= most ? number || 0 : undefined;
  };
}

function readLong(least: bigint, most: bigint): TextReader {
  // No 64-bit number has more digits; BigInt takes quadratic time.
  const longest = 40;
  return (text) => {
    if (text.length > longest || !decimal.test(text)) return undefined;
    const number = BigInt(text);
    return number >= least && number <= most ? number : undefined;
  };
}

function readFloat(largest: number): TextReader {
  return (text) => {
    if (text === "NaN") return Number.NaN;
    if (text === "Infinity") return Number.POSITIVE_INFINITY;
    if (text === "-Infinity") return Number.NEGATIVE_INFINITY;
    const number = floating.test(text) ? Number(text) : Number.NaN;
    return Math.abs(number) <= largest ? number : undefined;
  };
}

function readBytes(text: string): Uint8Array | undefined {
  try {
    return base64.test(text) ? base64Decode(text) : undefined;
  } catch {
    return undefined;
  }
}

const int32 = readInteger(-(2 ** 31), 2 ** 31 - 1);
const uint32 = readInteger(0, 2 ** 32 - 1);
const int64 = readLong(-(2n ** 63n), 2n ** 63n - 1n);
const uint64 = readLong(0n, 2n ** 64n - 1n);

const scalarReaders: Record<ScalarType, TextReader> = {
  [ScalarType.STRING]: (text) => text,
  [ScalarType.BOOL]: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  [ScalarType.BYTES]: readBytes,
  [ScalarType.DOUBLE]: readFloat(Number.MAX_VALUE),
  [ScalarType.FLOAT]: readFloat(float32Max),
  [ScalarType.INT32]: int32,
  [ScalarType.SINT32]: int32,
  [ScalarType.SFIXED32]: int32,
  [ScalarType.UINT32]: uint32,
  [ScalarType.FIXED32]: uint32,
  [ScalarType.INT64]: int64,
  [ScalarType.SINT64]: int64,
  [ScalarType.SFIXED64]: int64,
  [ScalarType.UINT64]: uint64,
  [ScalarType.FIXED64]: uint64,
};

const int32Text = "must be a whole number from -2147483648 to 2147483647";
const uint32Text = "must be a whole number from 0 to 4294967295";
const int64Text = "must be a whole number from -9223372036854775808 to 9223372036854775807";
const uint64Text = "must be a whole number from 0 to 18446744073709551615";

const scalarExpectations: Record<ScalarType, string> = {
  [ScalarType.STRING]: "must be a string of valid Unicode",
  [ScalarType.BOOL]: "must be true or false",
  [ScalarType.BYTES]: "must be base64",
  [ScalarType.DOUBLE]: "must be a number",
  [ScalarType.FLOAT]: "must be a number of single precision",
  [ScalarType.INT32]: int32Text,
  [ScalarType.SINT32]: int32Text,
  [ScalarType.SFIXED32]: int32Text,
  [ScalarType.UINT32]: uint32Text,
  [ScalarType.FIXED32]: uint32Text,
  [ScalarType.INT64]: int64Text,
  [ScalarType.SINT64]: int64Text,
  [ScalarType.SFIXED64]: int64Text,
  [ScalarType.UINT64]: uint64Text,
  [ScalarType.FIXED64]: uint64Text,
};

const messageExpectations: Record<string, string | undefined> = {
  "google.protobuf.Timestamp": "must be an RFC 3339 time such as 2026-01-31T12:00:00Z",
  "google.protobuf.Duration": "must be seconds with an s behind them, such as 1.5s",
  "google.protobuf.FieldMask": "must be field names with commas between them, in lowerCamelCase",
  "google.protobuf.Struct": "must be an object",
  "google.protobuf.ListValue": "must be a list",
  "google.protobuf.Any": 'must be an object whose "@type" is known here',
};

function wrapperExpectation(desc: DescMessage): string {
  const value = isWrapperDesc(desc) ? desc.fields[0] : undefined;
  return value ? expectation(value) : "must be an object";
}

function enumExpectation(desc: DescEnum): string {
  const shown = desc.values.slice(0, 10).map((value) => value.name);
  const more = desc.values.length > shown.length ? ", …" : "";
  return `must be one of ${shown.join(", ")}${more}`;
}
