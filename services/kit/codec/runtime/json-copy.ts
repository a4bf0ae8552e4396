import { type DescMessage, type JsonReadOptions, toBinary } from "@bufbuild/protobuf";
import { decline } from "./decline.js";
import type { JsonCursor } from "./json-cursor.js";
import type { WireWriter } from "./wire-writer.js";

/** Copies a string behind its tag; an empty one only when the field tracks presence. */
export function copyString(cursor: JsonCursor, writer: WireWriter, tag: number, always: boolean): void {
  const end = cursor.plainEnd();
  const start = cursor.at + 1;
  if (end < 0) {
    // An escape stands for something, so that the string is not empty.
    writer.uint32(tag);
    writer.string(cursor.string());
  } else {
    cursor.at = end + 1;
    if (start === end && !always) return;
    writer.uint32(tag);
    writer.copy(cursor.bytes, start, end);
  }
}

/** Copies a map's key and passes its colon; declines a key that came before. `seen` is of this map alone. */
export function copyKey(cursor: JsonCursor, writer: WireWriter, seen: KeyRanges): void {
  const end = cursor.plainEnd();
  if (end < 0) decline();
  const start = cursor.at + 1;
  seen.add(cursor.bytes, start, end);
  writer.uint32(keyTag);
  writer.copy(cursor.bytes, start, end);
  cursor.at = end + 1;
  cursor.colon();
}

const keyTag = 10;
const protoKey = Buffer.from("__proto__");
// Comparing each key with all before it takes quadratic time.
const fewKeys = 16;

/** The keys of a map so far, by where they stand. */
export class KeyRanges {
  private readonly ranges: number[] = [];
  private names: Set<string> | undefined;

  /** Declines a key that is there already. */
  add(bytes: Buffer, start: number, end: number): void {
    if (bytes[start] === 95 && bytes.compare(protoKey, 0, protoKey.length, start, end) === 0) decline();
    if (this.names) this.addName(this.names, bytes.toString("utf8", start, end));
    else this.addRange(bytes, start, end);
  }

  private addName(names: Set<string>, name: string): void {
    if (names.has(name)) decline();
    names.add(name);
  }

  private addRange(bytes: Buffer, start: number, end: number): void {
    const { ranges } = this;
    for (let at = 0; at < ranges.length; at += 2) {
      if (isSame(bytes, ranges[at] as number, ranges[at + 1] as number, start, end)) decline();
    }
    ranges.push(start, end);
    if (ranges.length >= 2 * fewKeys) this.names = this.allNames(bytes);
  }

  private allNames(bytes: Buffer): Set<string> {
    const starts = this.ranges.filter((_, index) => index % 2 === 0);
    return new Set(starts.map((start, index) => bytes.toString("utf8", start, this.ranges[2 * index + 1])));
  }
}

function isSame(bytes: Uint8Array, from: number, to: number, start: number, end: number): boolean {
  if (to - from !== end - start) return false;
  for (let a = from, b = start; a < to; a++, b++) if (bytes[a] !== bytes[b]) return false;
  return true;
}

/** Makes the function that copies a message which protobuf-es has to read. */
export function foreignCopier(
  read: (
    cursor: JsonCursor,
    desc: DescMessage,
    options: Partial<JsonReadOptions>,
  ) => Parameters<typeof toBinary>[1],
) {
  return (cursor: JsonCursor, writer: WireWriter, desc: DescMessage, options: Partial<JsonReadOptions>) =>
    writer.raw(toBinary(desc, read(cursor, desc, options)));
}
