import { isUtf8 } from "node:buffer";
import { decline } from "./decline.js";
import type { WireReader } from "./wire-reader.js";

const firstBytes = 1 << 14;
const keptBytes = 1 << 20;
const shortString = 48;
const quote = 34;
/** Escapes of JSON, by character; undefined where none is needed. */
const escapes: readonly (string | undefined)[] = Array.from({ length: 128 }, (_, code) => {
  const text = JSON.stringify(String.fromCharCode(code)).slice(1, -1);
  return text.length > 1 ? text : undefined;
});

const beyondAscii = 1;
const needsEscape = 2;
const kinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte > 127) return beyondAscii;
  return escapes[byte] === undefined ? 0 : needsEscape;
});

/** Writes JSON text as UTF-8. One writer serves all compiled code: writing never waits. */
export class JsonBytes {
  private bytes = Buffer.alloc(firstBytes);
  private at = 0;
  private ascii = true;

  start(): void {
    if (this.bytes.length > keptBytes) this.bytes = Buffer.alloc(firstBytes);
    this.at = 0;
    this.ascii = true;
  }

  /** What was written, which must be UTF-8. */
  finish(): string {
    if (this.ascii) return this.bytes.toString("latin1", 0, this.at);
    return isUtf8(this.bytes.subarray(0, this.at)) ? this.bytes.toString("utf8", 0, this.at) : decline();
  }

  /** JSON that is made at start-up. */
  raw(json: Uint8Array): void {
    const { length } = json;
    this.ensure(length);
    const { bytes } = this;
    let at = this.at;
    // Bits of all bytes: beyond ASCII, the highest is set.
    let all = 0;
    for (let from = 0; from < length; from++) {
      const byte = json[from] as number;
      all |= byte;
      bytes[at++] = byte;
    }
    if (all > 127) this.ascii = false;
    this.at = at;
  }

  byte(code: number): void {
    this.ensure(1);
    this.bytes[this.at++] = code;
  }

  /** Puts `close` after the last item, in place of the comma that follows it. */
  close(code: number): void {
    if (this.bytes[this.at - 1] === 44) this.at--;
    this.byte(code);
  }

  /** JSON of other making. */
  text(json: string): void {
    const { length } = json;
    this.ensure(3 * length);
    const { bytes } = this;
    let at = this.at;
    if (length < shortString) {
      let all = 0;
      for (let index = 0; index < length; index++) {
        const code = json.charCodeAt(index);
        all |= code;
        bytes[at++] = code;
      }
      if (all < 128) {
        this.at = at;
        return;
      }
    }
    const written = bytes.write(json, this.at, "utf8");
    if (written > length) this.ascii = false;
    this.at += written;
  }

  /** A string of the binary format, which may have to be declined when it is empty. */
  string(reader: WireReader, refuseEmpty: boolean): void {
    const end = reader.sub();
    const { bytes: source, at: start } = reader;
    reader.at = end;
    // A byte order mark begins so, which protobuf-es drops.
    if (source[start] === 0xef || (refuseEmpty && start === end)) decline();
    this.ensure(end - start + 2);
    const { bytes } = this;
    let to = this.at;
    bytes[to++] = quote;
    let all = 0;
    for (let from = start; from < end; from++) {
      const byte = source[from] as number;
      all |= kinds[byte] as number;
      bytes[to++] = byte;
    }
    if ((all & beyondAscii) > 0) this.ascii = false;
    if ((all & needsEscape) > 0) this.escaped(source, start, end);
    else {
      bytes[to++] = quote;
      this.at = to;
    }
  }

  integer(value: number): void {
    if (value >= 0 && value < 10) this.byte(48 + value);
    else this.text(`${value}`);
  }

  /** A float or double. */
  number(value: number): void {
    if (Number.isFinite(value)) this.text(`${value}`);
    else this.text(`"${value}"`);
  }

  long(value: bigint): void {
    this.text(`"${value}"`);
  }

  private escaped(source: Uint8Array, start: number, end: number): void {
    this.ensure(6 * (end - start) + 2);
    const { bytes } = this;
    bytes[this.at++] = quote;
    for (let index = start; index < end; index++) {
      const byte = source[index] as number;
      const digits = escapes[byte];
      if (digits === undefined) bytes[this.at++] = byte;
      else for (let digit = 0; digit < digits.length; digit++) bytes[this.at++] = digits.charCodeAt(digit);
    }
    bytes[this.at++] = quote;
  }

  private ensure(size: number): void {
    if (this.at + size > this.bytes.length) this.grow(size);
  }

  private grow(size: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + size));
    this.bytes.copy(bytes, 0, 0, this.at);
    this.bytes = bytes;
  }
}
