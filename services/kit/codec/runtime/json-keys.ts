import { decline } from "./decline.js";
import type { JsonCursor } from "./json-cursor.js";

/** Passes the key of a map<string, …> and its colon. */
export function stringKey(cursor: JsonCursor): string {
  const key = cursor.anyKey();
  return key === "__proto__" ? decline() : key;
}

/** Passes the key of a map<bool, …> and its colon. */
export function boolKey(cursor: JsonCursor): string {
  const key = cursor.anyKey();
  return isBoolKey(key) ? key : decline();
}

/** Passes the key of a map with integers for keys and its colon. */
export function integerKey(cursor: JsonCursor, min: bigint, max: bigint): string {
  const key = cursor.anyKey();
  if (!isIntegerKey(key)) decline();
  const value = BigInt(key);
  return value < min || value > max ? decline() : key;
}

/** Whether the text is an integer as protobuf-es prints it. */
export function isIntegerKey(key: string): boolean {
  return /^(?:0|-?[1-9][0-9]{0,19})$/.test(key);
}

export function isBoolKey(key: string): boolean {
  return key === "true" || key === "false";
}
