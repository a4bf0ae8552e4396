import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { decline } from "./decline.js";
import type { JsonCursor } from "./json-cursor.js";
import { readNumber } from "./json-scalars.js";

const quote = 34;
const openBrace = 123;
const openBracket = 91;

/** Passes any JSON value whose numbers are finite. */
export function readValue(cursor: JsonCursor): JsonValue {
  const byte = cursor.bytes[cursor.at] as number;
  if (byte === quote) return cursor.string();
  if (byte === openBrace) return readObject(cursor);
  if (byte === openBracket) return readList(cursor);
  if (byte === 116 || byte === 102) return cursor.bool();
  if (cursor.isNull()) return null;
  const value = readNumber(cursor);
  return Number.isFinite(value) ? value : decline();
}

/** Passes any JSON object. */
export function readObject(cursor: JsonCursor): JsonObject {
  const object: JsonObject = {};
  if (!cursor.object()) return object;
  do {
    const name = cursor.anyKey();
    if (name === "__proto__" || Object.hasOwn(object, name)) decline();
    object[name] = readValue(cursor);
  } while (cursor.member());
  return object;
}

/** Passes any JSON list. */
export function readList(cursor: JsonCursor): JsonValue[] {
  const list: JsonValue[] = [];
  if (!cursor.list()) return list;
  do list.push(readValue(cursor));
  while (cursor.item());
  return list;
}

/**
 * Passes a value whose numbers are the same as doubles and as written. Any may
 * hold 64-bit integers, which doubles would round.
 */
export function readExactValue(cursor: JsonCursor): JsonValue {
  const start = cursor.at;
  const value = readValue(cursor);
  if (/[0-9]{16}|[0-9][eE]/.test(cursor.slice(start, cursor.at))) decline();
  return value;
}

/**
 * Passes a member that the message does not have. `seen` are such names before
 * it in the object; the result includes this one.
 */
export function skipUnknown(cursor: JsonCursor, seen: Set<string> | undefined): Set<string> {
  const names = seen ?? new Set();
  const name = cursor.anyKey();
  // It may be an extension.
  if (name.startsWith("[") || name === "__proto__" || names.has(name)) decline();
  readValue(cursor);
  return names.add(name);
}
