import { decline } from "./decline.js";
import type { JsonCursor } from "./json-cursor.js";
import type { KeyTable } from "./key-table.js";

const quote = 34;
const minus = 45;
const point = 46;
const zero = 48;
const nine = 57;
const exponent = 101;
const lowerCase = 32;

/** Any number of so many digits is exact as a double. */
const exactDigits = 15;
const largestFloat = 3.4028234663852886e38;

/** Passes a JSON number. */
export function readNumber(cursor: JsonCursor): number {
  const { bytes } = cursor;
  const start = cursor.at;
  let at = bytes[start] === minus ? start + 1 : start;
  const first = at;
  let byte = bytes[at] as number;
  let value = 0;
  if (byte === zero) byte = bytes[++at] as number;
  else if (byte > zero && byte <= nine) {
    do {
      value = value * 10 + byte - zero;
      byte = bytes[++at] as number;
    } while (byte >= zero && byte <= nine);
  } else decline();
  if (byte === point || (byte | lowerCase) === exponent) return readFraction(cursor, start, first, at, value);
  cursor.at = at;
  if (at - first > exactDigits) return Number(cursor.slice(start, at));
  return start === first ? value : -value;
}

const powersOfTen = Array.from({ length: exactDigits + 1 }, (_, power) => 10 ** power);

function readFraction(cursor: JsonCursor, start: number, first: number, mark: number, whole: number): number {
  const { bytes } = cursor;
  let at = mark;
  let digits = whole;
  if (bytes[at] === point) {
    let byte = bytes[++at] as number;
    if (!(byte >= zero && byte <= nine)) decline();
    do {
      digits = digits * 10 + byte - zero;
      byte = bytes[++at] as number;
    } while (byte >= zero && byte <= nine);
  }
  if (((bytes[at] as number) | lowerCase) === exponent) {
    cursor.at = exponentEnd(bytes, at);
    return Number(cursor.slice(start, cursor.at));
  }
  cursor.at = at;
  // The quotient of two exact doubles is rounded once, as it should be.
  if (at - first > exactDigits) return Number(cursor.slice(start, at));
  const value = digits / (powersOfTen[at - mark - 1] as number);
  return start === first ? value : -value;
}

function exponentEnd(bytes: Uint8Array, mark: number): number {
  let at = mark + 1;
  if (bytes[at] === 43 || bytes[at] === minus) at++;
  const first = at;
  while ((bytes[at] as number) >= zero && (bytes[at] as number) <= nine) at++;
  if (at === first) decline();
  return at;
}

/** Passes a 32-bit integer from `min` to `max`, which may be in quotes. */
export function readInteger(cursor: JsonCursor, min: number, max: number): number {
  const quoted = cursor.bytes[cursor.at] === quote;
  if (quoted) cursor.at++;
  const value = readNumber(cursor);
  if (quoted && cursor.bytes[cursor.at++] !== quote) decline();
  if (!Number.isInteger(value) || value < min || value > max) decline();
  return value;
}

export const readInt32 = (cursor: JsonCursor): number => readInteger(cursor, -0x80000000, 0x7fffffff);
export const readUint32 = (cursor: JsonCursor): number => readInteger(cursor, 0, 0xffffffff);

/** Passes a 64-bit integer, which may be in quotes; exact, whatever its length. */
function readLong(cursor: JsonCursor, min: bigint, max: bigint): bigint {
  const { bytes } = cursor;
  const quoted = bytes[cursor.at] === quote;
  if (quoted) cursor.at++;
  const start = cursor.at;
  let at = bytes[start] === minus ? start + 1 : start;
  const first = at;
  let byte = bytes[at] as number;
  let small = 0;
  while (byte >= zero && byte <= nine) {
    small = small * 10 + byte - zero;
    byte = bytes[++at] as number;
  }
  const digits = at - first;
  // A field that holds text keeps the sign of "-0".
  if (digits === 0 || digits > 20 || (bytes[first] === zero && at - start > 1)) decline();
  if (quoted ? byte !== quote : byte === point || (byte | lowerCase) === exponent) decline();
  cursor.at = quoted ? at + 1 : at;
  if (digits <= exactDigits) return inRange(BigInt(start === first ? small : -small), min, max);
  return inRange(BigInt(cursor.slice(start, at)), min, max);
}

function inRange(value: bigint, min: bigint, max: bigint): bigint {
  return value < min || value > max ? decline() : value;
}

export const readInt64 = (cursor: JsonCursor): bigint => readLong(cursor, -(2n ** 63n), 2n ** 63n - 1n);
export const readUint64 = (cursor: JsonCursor): bigint => readLong(cursor, 0n, 2n ** 64n - 1n);

/** Passes a double, or the name of one that JSON has no number for. */
export function readDouble(cursor: JsonCursor): number {
  if (cursor.bytes[cursor.at] === quote) return namedDouble(cursor.string());
  const value = readNumber(cursor);
  return Number.isFinite(value) ? value : decline();
}

function namedDouble(name: string): number {
  if (name === "NaN") return NaN;
  if (name === "Infinity") return Infinity;
  return name === "-Infinity" ? -Infinity : decline();
}

/** As `readDouble`, within the range of a float. It keeps the precision of a double, as protobuf-es does. */
export function readFloat(cursor: JsonCursor): number {
  const value = readDouble(cursor);
  return Number.isFinite(value) && Math.abs(value) > largestFloat ? decline() : value;
}

/** The values of an enum. */
export interface EnumTable {
  readonly names: KeyTable;
  /** By index of a name. */
  readonly numbers: readonly number[];
  /** All that a closed enum has; undefined for an open one. */
  readonly known: ReadonlySet<number> | undefined;
}

/** Passes an enum value by name or number. */
export function readEnum(cursor: JsonCursor, { names, numbers, known }: EnumTable): number {
  if (cursor.bytes[cursor.at] === quote) {
    const index = cursor.name(names);
    return index < 0 ? decline() : (numbers[index] as number);
  }
  const value = readNumber(cursor);
  if (!Number.isInteger(value) || value < -0x80000000 || value > 0x7fffffff) decline();
  return known && !known.has(value) ? decline() : value;
}

const sextets = new Uint8Array(256).fill(255);
for (const alphabet of ["+/", "-_"]) {
  const digits = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${alphabet}`;
  for (const [value, digit] of [...digits].entries()) sextets[digit.charCodeAt(0)] = value;
}

/** Passes Base64 of either alphabet, padded or not. */
export function readBytes(cursor: JsonCursor): Uint8Array {
  const quoteAt = cursor.plainEnd();
  if (quoteAt < 0) decline();
  const { bytes } = cursor;
  let at = cursor.at + 1;
  let end = quoteAt;
  if (bytes[end - 1] === 61) {
    if ((end - at) % 4 !== 0) decline();
    end -= bytes[end - 2] === 61 ? 2 : 1;
  }
  if ((end - at) % 4 === 1) decline();
  const result = new Uint8Array(((end - at) * 3) >> 2);
  let wrong = 0;
  let buffer = 0;
  let bits = 0;
  for (let to = 0; at < end; at++) {
    const sextet = sextets[bytes[at] as number] as number;
    wrong |= sextet;
    buffer = ((buffer << 6) | sextet) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      result[to++] = buffer >> bits;
    }
  }
  if (wrong > 63) decline();
  cursor.at = quoteAt + 1;
  return result;
}
