import { decline } from "./decline.js";

const firstBytes = 1 << 14;
const keptBytes = 1 << 20;
// Beyond so many characters, a native call is faster than a loop.
const shortString = 28;
const shortCopy = 96;
const two32 = 4294967296;

/** Writes the binary format. One writer serves all compiled code: writing never waits. */
export class WireWriter {
  bytes = Buffer.alloc(firstBytes);
  at = 0;
  private view: DataView = viewOf(this.bytes);

  /** Starts anew, after zeros in the room for a header. */
  start(reserved: number): void {
    if (this.bytes.length > keptBytes) {
      this.bytes = Buffer.alloc(firstBytes);
      this.view = viewOf(this.bytes);
    }
    // What was written before stands here, and nobody may send that.
    for (let at = 0; at < reserved; at += 1) this.bytes[at] = 0;
    this.at = reserved;
  }

  /** What was written, as bytes of its own. */
  finish(): Buffer {
    const result = Buffer.allocUnsafe(this.at);
    this.bytes.copy(result, 0, 0, this.at);
    return result;
  }

  uint32(value: number): void {
    this.ensure(5);
    this.at = putVarint(this.bytes, this.at, value);
  }

  int32(value: number): void {
    if (value >= 0) this.uint32(value);
    else this.long(value >>> 0, 0xffffffff);
  }

  sint32(value: number): void {
    this.uint32(((value << 1) ^ (value >> 31)) >>> 0);
  }

  bool(value: boolean): void {
    this.ensure(1);
    this.bytes[this.at++] = value ? 1 : 0;
  }

  int64(value: bigint): void {
    const small = Number(value);
    // Arithmetic on bigints is slow.
    if (small >= 0 && small <= Number.MAX_SAFE_INTEGER) {
      this.long(small % two32, Math.floor(small / two32));
    } else {
      const low = Number(BigInt.asUintN(32, value));
      this.long(low, Number(BigInt.asUintN(32, value >> 32n)));
    }
  }

  sint64(value: bigint): void {
    this.int64((value << 1n) ^ (value >> 63n));
  }

  fixed64(value: bigint): void {
    this.ensure(8);
    this.view.setBigUint64(this.at, BigInt.asUintN(64, value), true);
    this.at += 8;
  }

  fixed32(value: number): void {
    this.ensure(4);
    this.view.setInt32(this.at, value, true);
    this.at += 4;
  }

  float(value: number): void {
    this.ensure(4);
    this.view.setFloat32(this.at, value, true);
    this.at += 4;
  }

  double(value: number): void {
    this.ensure(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** Bytes with their length in front. */
  data(value: Uint8Array): void {
    this.uint32(value.length);
    this.raw(value);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.ensure(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** Part of other bytes, with its length in front. */
  copy(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.ensure(length + 5);
    const { bytes } = this;
    let to = putVarint(bytes, this.at, length);
    if (length > shortCopy) source.copy(bytes, to, start, end);
    else for (let from = start; from < end; ) bytes[to++] = source[from++] as number;
    this.at = to + (length > shortCopy ? length : 0);
  }

  string(value: string): void {
    const { length } = value;
    this.ensure(3 * length + 5);
    if (length > shortString || !this.ascii(value)) this.utf8(value);
  }

  /** Opens a nested message; `close` needs what it returns. */
  open(): number {
    this.ensure(1);
    return ++this.at;
  }

  /** Puts the length before the nested message that began at `start`. */
  close(start: number): void {
    const length = this.at - start;
    const extra = varintSize(length) - 1;
    if (extra > 0) {
      this.ensure(extra);
      this.bytes.copyWithin(start + extra, start, this.at);
    }
    putVarint(this.bytes, start - 1, length);
    this.at += extra;
  }

  private ascii(value: string): boolean {
    const { bytes, at } = this;
    const { length } = value;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      bytes[at + 1 + index] = code;
    }
    bytes[at] = length;
    this.at = at + 1 + length;
    return true;
  }

  private utf8(value: string): void {
    const guessed = varintSize(value.length);
    const start = this.at + guessed;
    const length = this.bytes.write(value, start, "utf8");
    const extra = varintSize(length) - guessed;
    if (extra > 0) this.bytes.copyWithin(start + extra, start, start + length);
    putVarint(this.bytes, this.at, length);
    this.at = start + extra + length;
  }

  private long(low: number, high: number): void {
    this.ensure(10);
    const { bytes } = this;
    let at = this.at;
    let lower = low;
    let upper = high;
    while (upper > 0 || lower > 127) {
      bytes[at++] = (lower & 127) | 128;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    bytes[at++] = lower;
    this.at = at;
  }

  private ensure(size: number): void {
    if (this.at + size > this.bytes.length) this.grow(size);
  }

  private grow(size: number): void {
    if (this.at + size >= two32) decline();
    const bytes = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + size));
    this.bytes.copy(bytes, 0, 0, this.at);
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

function varintSize(value: number): number {
  if (value < 1 << 7) return 1;
  if (value < 1 << 14) return 2;
  if (value < 1 << 21) return 3;
  return value < 1 << 28 ? 4 : 5;
}

function putVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 127) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
