import { type DescMessage, fromBinary, type JsonWriteOptions, toJson } from "@bufbuild/protobuf";
import { decline } from "./decline.js";
import type { JsonBytes } from "./json-bytes.js";
import type { KeyRanges } from "./json-copy.js";
import { durationText, timestampText } from "./time.js";
import type { WireReader } from "./wire-reader.js";

const zero = 48;
const nine = 57;
const colon = 58;
const secondsTag = 8;
const nanosTag = 16;

/** Writes an enum value by the texts of those that have names. */
export function showEnum(json: JsonBytes, value: number, texts: ReadonlyMap<number, Uint8Array>): void {
  const text = texts.get(value);
  if (text) json.raw(text);
  else json.integer(value);
}

export function showBytes(json: JsonBytes, { buffer, byteOffset, byteLength }: Uint8Array): void {
  json.text(`"${Buffer.from(buffer, byteOffset, byteLength).toString("base64")}"`);
}

/** Writes a map's key and a colon; declines one that came before. */
export function showKey(json: JsonBytes, reader: WireReader, seen: KeyRanges): void {
  const before = reader.at;
  const end = reader.sub();
  const start = reader.at;
  const first = reader.bytes[start] as number;
  // Keys that look like numbers are put in order by JavaScript objects.
  if (first >= zero && first <= nine) decline();
  seen.add(reader.bytes, start, end);
  reader.at = before;
  json.string(reader, false);
  json.byte(colon);
}

/** Writes a Timestamp or a Duration. */
export function showTime(json: JsonBytes, reader: WireReader, end: number, isDuration: boolean): void {
  reader.enter();
  let seconds = 0n;
  let nanos = 0;
  while (reader.at < end) {
    const tag = reader.tag();
    if (tag === secondsTag) seconds = reader.int64();
    else if (tag === nanosTag) nanos = reader.int32();
    else decline();
  }
  reader.leave(end);
  const text = isDuration
    ? durationText({ $typeName: "google.protobuf.Duration", seconds, nanos })
    : timestampText({ $typeName: "google.protobuf.Timestamp", seconds, nanos });
  json.text(`"${text}"`);
}

/** Writes a message by protobuf-es. */
export function showForeign(
  json: JsonBytes,
  reader: WireReader,
  end: number,
  desc: DescMessage,
  options: Partial<JsonWriteOptions>,
): void {
  const bytes = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  const message = fromBinary(desc, bytes, { recursionLimit: reader.remaining() });
  json.text(JSON.stringify(toJson(desc, message, options)));
}
