import { type DescField, ScalarType } from "@bufbuild/protobuf";
import { literal } from "./source.js";

/** How the runtimes name the operations of a scalar type. */
interface Names {
  /** Function that reads it from a JsonCursor. */
  readonly json: string;
  /** Method of WireReader. */
  readonly get: string;
  /** Method of WireWriter. */
  readonly put: string;
  readonly wireType: 0 | 1 | 2 | 5;
  /** An expression that is true of what the binary format can hold. */
  fits(value: string): string;
  /** Function that makes JSON text of a value. */
  readonly show: string;
  readonly zero: string;
}

const int32 = (value: string): string => `(${value} | 0) === ${value}`;
const uint32 = (value: string): string => `(${value} >>> 0) === ${value}`;
const int64 = (value: string): string =>
  `(typeof ${value} === "bigint" && BigInt.asIntN(64, ${value}) === ${value})`;
const uint64 = (value: string): string =>
  `(typeof ${value} === "bigint" && BigInt.asUintN(64, ${value}) === ${value})`;

const signed = { json: "readInt32", fits: int32, show: "showNumber", zero: "0" } as const;
const unsigned = { json: "readUint32", fits: uint32, show: "showNumber", zero: "0" } as const;
const signedLong = { json: "readInt64", fits: int64, show: "showLong", zero: "0n" } as const;
const unsignedLong = { json: "readUint64", fits: uint64, show: "showLong", zero: "0n" } as const;

const types: Readonly<Record<ScalarType, Names>> = {
  [ScalarType.STRING]: {
    json: "readString",
    get: "string",
    put: "string",
    wireType: 2,
    fits: (value) => `typeof ${value} === "string"`,
    show: "showString",
    zero: '""',
  },
  [ScalarType.BYTES]: {
    json: "readBytes",
    get: "data",
    put: "data",
    wireType: 2,
    fits: (value) => `${value} instanceof Uint8Array`,
    show: "showBytes",
    zero: "new Uint8Array(0)",
  },
  [ScalarType.BOOL]: {
    json: "readBool",
    get: "bool",
    put: "bool",
    wireType: 0,
    fits: (value) => `typeof ${value} === "boolean"`,
    show: "showBool",
    zero: "false",
  },
  [ScalarType.DOUBLE]: {
    json: "readDouble",
    get: "double",
    put: "double",
    wireType: 1,
    fits: (value) => `typeof ${value} === "number"`,
    show: "showDouble",
    zero: "0",
  },
  [ScalarType.FLOAT]: {
    json: "readFloat",
    get: "float",
    put: "float",
    wireType: 5,
    fits: (value) => `isFloat(${value})`,
    show: "showDouble",
    zero: "0",
  },
  [ScalarType.INT32]: { ...signed, get: "int32", put: "int32", wireType: 0 },
  [ScalarType.SINT32]: { ...signed, get: "sint32", put: "sint32", wireType: 0 },
  [ScalarType.SFIXED32]: { ...signed, get: "sfixed32", put: "fixed32", wireType: 5 },
  [ScalarType.UINT32]: { ...unsigned, get: "uint32", put: "uint32", wireType: 0 },
  [ScalarType.FIXED32]: { ...unsigned, get: "fixed32", put: "fixed32", wireType: 5 },
  [ScalarType.INT64]: { ...signedLong, get: "int64", put: "int64", wireType: 0 },
  [ScalarType.SINT64]: { ...signedLong, get: "sint64", put: "sint64", wireType: 0 },
  [ScalarType.SFIXED64]: { ...signedLong, get: "sfixed64", put: "fixed64", wireType: 1 },
  [ScalarType.UINT64]: { ...unsignedLong, get: "uint64", put: "int64", wireType: 0 },
  [ScalarType.FIXED64]: { ...unsignedLong, get: "fixed64", put: "fixed64", wireType: 1 },
};

/** The names for a scalar type. */
export function scalar(type: ScalarType): Names {
  return types[type];
}

/** The type that a scalar or enum field has in the binary format. */
export function wireScalar(field: DescField): Names {
  return types[field.scalar ?? ScalarType.INT32];
}

/** Whether a scalar or enum field with implicit presence is set, as an expression. */
export function isNotZero(value: string, field: DescField): string {
  if (field.enum) return `${value} !== ${field.enum.values[0]?.number ?? 0}`;
  switch (field.scalar) {
    case ScalarType.STRING:
      return `${value} !== ""`;
    case ScalarType.BOOL:
      return `${value} !== false`;
    case ScalarType.BYTES:
      return `!(${value} instanceof Uint8Array) || ${value}.length > 0`;
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return `!Object.is(${value}, 0)`;
    default:
      // Zero may be 0, 0n or "0".
      return `${value} != 0`;
  }
}

/** Whether a field keeps its 64-bit integers as text (`jstype = JS_STRING`). */
export function isLongText(field: DescField): boolean {
  return "longAsString" in field && field.longAsString;
}

/** The tag of a field in the binary format. */
export function tagOf(field: DescField, wireType: number): number {
  return ((field.number << 3) | wireType) >>> 0;
}

/** Range of the integers that a map may have for keys, as arguments. */
export function keyRange(type: ScalarType): string {
  if (scalar(type).json === "readInt32") return `${-(2n ** 31n)}n, ${2n ** 31n - 1n}n`;
  if (scalar(type).json === "readUint32") return `0n, ${2n ** 32n - 1n}n`;
  return scalar(type).json === "readInt64"
    ? `${-(2n ** 63n)}n, ${2n ** 63n - 1n}n`
    : `0n, ${2n ** 64n - 1n}n`;
}

/** The local variable and bit that say whether a member was met. */
export function seenBit(index: number): { readonly variable: string; readonly bit: number } {
  return { variable: `s${index >> 5}`, bit: (1 << (index & 31)) | 0 };
}

/** A message's type name as a literal. */
export function typeName({ typeName: name }: { readonly typeName: string }): string {
  return literal(name);
}
