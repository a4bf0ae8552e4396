import { decline } from "./decline.js";

const keptView = new DataView(new ArrayBuffer(0));
const nothing = Buffer.alloc(0);
// Up to so many bytes, a loop makes a string faster than a native call.
const shortString = 16;
const strict = new TextDecoder("utf-8", { fatal: true });
const replacement = "\ufffd";
const byteOrderMark = 0xfeff;

/** A field that the message's type does not have, as protobuf-es keeps it. */
export interface UnknownField {
  readonly no: number;
  readonly wireType: number;
  readonly data: Uint8Array;
}

/**
 * Reads the binary format and declines what it does not expect. Reading beyond
 * the end shows at the end of the message, where the position must be exact.
 * One reader serves all compiled code: reading never waits.
 */
export class WireReader {
  bytes: Buffer = nothing;
  at = 0;
  private source: Uint8Array = nothing;
  private view: DataView = keptView;
  private depth = 0;
  private limit = 0;

  /** Starts with a message; `limit` is the deepest nesting of messages. */
  load(source: Uint8Array, limit: number): number {
    const { buffer, byteOffset, byteLength } = source;
    this.source = source;
    this.bytes = Buffer.isBuffer(source) ? source : Buffer.from(buffer, byteOffset, byteLength);
    this.view = new DataView(buffer, byteOffset, byteLength);
    this.at = 0;
    this.depth = 0;
    this.limit = limit;
    return byteLength;
  }

  /** Lets go of the message. */
  unload(): void {
    this.source = nothing;
    this.bytes = nothing;
    this.view = keptView;
  }

  /** Enters a message. */
  enter(): void {
    if (++this.depth > this.limit) decline();
  }

  /** Leaves a message, which must end here. */
  leave(end: number): void {
    if (this.at !== end) decline();
    this.depth--;
  }

  /** How many levels may still be entered. */
  remaining(): number {
    return this.limit - this.depth;
  }

  /** End of what has its length here. */
  sub(): number {
    const length = this.uint32();
    const end = this.at + length;
    return end > this.bytes.length ? decline() : end;
  }

  tag(): number {
    const start = this.at;
    const tag = this.uint32();
    const size = this.at - start;
    if (size >= 5 && (size > 5 || (this.bytes[this.at - 1] as number) > 15)) decline();
    return tag;
  }

  /** Whether the same tag follows before the end; if so, it is passed. */
  again(tag: number, end: number): boolean {
    if (this.at >= end) return false;
    const start = this.at;
    if (this.tag() === tag) return true;
    this.at = start;
    return false;
  }

  uint32(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    if (byte < 128) return byte;
    let value = byte & 127;
    for (let shift = 7; shift < 70; shift += 7) {
      byte = bytes[this.at++] as number;
      if (shift < 32) value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    return decline();
  }

  int32(): number {
    return this.uint32() | 0;
  }

  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  bool(): boolean {
    const { bytes, at } = this;
    if ((bytes[at] as number) > 1) return this.uint64() !== 0n;
    this.at++;
    return bytes[at] === 1;
  }

  uint64(): bigint {
    const { bytes } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[this.at++] as number;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= bits << 31;
      if (byte < 128) return join(low, high);
    }
    return decline();
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  sint64(): bigint {
    const value = this.uint64();
    return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }

  fixed32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  sfixed32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  fixed64(): bigint {
    return this.view.getBigUint64(this.skip(8), true);
  }

  sfixed64(): bigint {
    return this.view.getBigInt64(this.skip(8), true);
  }

  float(): number {
    return this.view.getFloat32(this.skip(4), true);
  }

  double(): number {
    return this.view.getFloat64(this.skip(8), true);
  }

  /** Bytes, as part of what is read. */
  data(): Uint8Array {
    const end = this.sub();
    const start = this.at;
    this.at = end;
    return this.source.subarray(start, end);
  }

  /** UTF-8. A field may not insist on it; then what is none becomes replacement characters elsewhere. */
  string(): string {
    const end = this.sub();
    const { bytes } = this;
    const start = this.at;
    this.at = end;
    if (end - start > shortString) return this.text(start, end);
    let text = "";
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte > 127) return this.text(start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** Passes a field of another version of the message. */
  unknown(tag: number): UnknownField {
    const start = this.at;
    const no = tag >>> 3;
    const wireType = tag & 7;
    if (no === 0) decline();
    if (wireType === 0) this.uint64();
    else if (wireType === 1) this.at += 8;
    else if (wireType === 2) this.at = this.sub();
    else if (wireType === 5) this.at += 4;
    else decline();
    if (this.at > this.bytes.length) decline();
    return { no, wireType, data: this.source.subarray(start, this.at) };
  }

  private text(start: number, end: number): string {
    const text = this.bytes.toString("utf8", start, end);
    const doubtful = text.includes(replacement) || text.charCodeAt(0) === byteOrderMark;
    return doubtful ? strict.decode(this.source.subarray(start, end)) : text;
  }

  private skip(size: number): number {
    const { at } = this;
    this.at = at + size;
    return at;
  }
}

function join(low: number, high: number): bigint {
  // Arithmetic on bigints is slow.
  if (high >= 0 && high < 1 << 21) return BigInt(high * 2 ** 32 + (low >>> 0));
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
