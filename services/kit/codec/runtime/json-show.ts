import type { DescMessage, JsonWriteOptions, Message } from "@bufbuild/protobuf";
import { toJson } from "@bufbuild/protobuf";
import { decline } from "./decline.js";
import { isBoolKey, isIntegerKey } from "./json-keys.js";

// Beyond so many characters, a native call is faster than a look at each.
const shortString = 40;

/** JSON text of a string. */
export function showString(value: string): string {
  if (typeof value !== "string") decline();
  const { length } = value;
  if (length > shortString) return JSON.stringify(value);
  for (let at = 0; at < length; at++) {
    const code = value.charCodeAt(at);
    if (code < 32 || code === 34 || code === 92 || code > 0xd7ff) return JSON.stringify(value);
  }
  return `"${value}"`;
}

export function showBool(value: boolean): string {
  if (value === true) return "true";
  return value === false ? "false" : decline();
}

/** JSON text of a 32-bit integer. */
export function showNumber(value: number): string {
  return Number.isFinite(value) ? `${value}` : decline();
}

/** JSON text of a float or double. */
export function showDouble(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  return typeof value === "number" ? `"${value}"` : decline();
}

/** JSON text of a 64-bit integer. */
export function showLong(value: bigint): string {
  return typeof value === "bigint" ? `"${value}"` : decline();
}

/** JSON text of a 64-bit integer that the message holds as text. */
export function showLongText(value: string): string {
  return typeof value === "string" && isIntegerKey(value) ? `"${value}"` : decline();
}

export function showBytes(value: Uint8Array): string {
  if (!(value instanceof Uint8Array)) decline();
  const { buffer, byteOffset, byteLength } = value;
  return `"${Buffer.from(buffer, byteOffset, byteLength).toString("base64")}"`;
}

/** JSON text of an enum value by the texts of those that have names. */
export function showEnum(value: number, texts: ReadonlyMap<number, string>): string {
  return texts.get(value) ?? showNumber(value);
}

/** JSON text of a NullValue. */
export function showNull(value: number): string {
  return typeof value === "number" ? "null" : decline();
}

export function showIntegerKey(key: string): string {
  return isIntegerKey(key) ? `"${key}"` : decline();
}

export function showBoolKey(key: string): string {
  return isBoolKey(key) ? `"${key}"` : decline();
}

/** JSON text of a message by protobuf-es. */
export function showForeign(message: Message, desc: DescMessage, options: Partial<JsonWriteOptions>): string {
  return JSON.stringify(toJson(desc, message, options));
}

export function showStringKey(key: string): string {
  return key === "__proto__" ? decline() : showString(key);
}

/** JSON text of a list. */
export function listText<T>(list: readonly T[], show: (item: T) => string): string {
  let text = "";
  for (let index = 0; index < list.length; index++) {
    text += (index === 0 ? "[" : ",") + show(list[index] as T);
  }
  return text === "" ? "[]" : `${text}]`;
}

/** JSON text of a map. */
export function mapText<T>(
  map: Readonly<Record<string, T>>,
  showKey: (key: string) => string,
  show: (value: T) => string,
): string {
  let text = "";
  for (const key of Object.keys(map)) {
    text += `${(text === "" ? "{" : ",") + showKey(key)}:${show(map[key] as T)}`;
  }
  return text === "" ? "{}" : `${text}}`;
}
