import { isAscii, isUtf8 } from "node:buffer";
import { decline } from "./decline.js";
import { findKey, hashStep, type KeyTable } from "./key-table.js";

const quote = 34;
const backslash = 92;
const openBrace = 123;
const closeBrace = 125;
const openBracket = 91;
const closeBracket = 93;
const comma = 44;
const colon = 58;
const firstPrintable = 32;

// Bytes that are neither the end of a string, an escape, nor forbidden in one.
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= firstPrintable && byte !== quote && byte !== backslash ? 1 : 0,
);

const keptBytes = 1 << 16;
// A slice keeps the whole text in memory, which a short text may.
const slicedLength = 1 << 13;

/**
 * Reads JSON (RFC 8259) from UTF-8 and declines what it does not expect.
 * One cursor serves all compiled code: reading never waits.
 */
export class JsonCursor {
  bytes = Buffer.alloc(keptBytes);
  at = 0;
  private length = 0;
  private text: string | undefined;
  private ascii = true;
  private depth = 0;
  private limit = 0;

  /** Starts with a document; `limit` is the deepest nesting of objects and lists. */
  load(source: string | Uint8Array, limit: number): void {
    this.length = typeof source === "string" ? this.loadText(source) : this.loadBytes(source);
    // Ends every token, as a control character stands nowhere in JSON.
    this.bytes[this.length] = 0;
    this.at = 0;
    this.depth = 0;
    this.limit = limit;
    this.space();
  }

  /** Declines when anything but space follows. */
  end(): void {
    this.space();
    if (this.at !== this.length) decline();
  }

  /** Lets go of the document. */
  unload(): void {
    if (this.bytes.length > keptBytes) this.bytes = Buffer.alloc(keptBytes);
    this.text = undefined;
  }

  /** Enters an object; false when it has no members. */
  object(): boolean {
    this.enter(openBrace);
    return this.bytes[this.at] !== closeBrace || this.leave();
  }

  /** After a member: whether another follows in the object. */
  member(): boolean {
    return this.more(closeBrace);
  }

  /** Enters a list; false when it has no items. */
  list(): boolean {
    this.enter(openBracket);
    return this.bytes[this.at] !== closeBracket || this.leave();
  }

  /** After an item: whether another follows in the list. */
  item(): boolean {
    return this.more(closeBracket);
  }

  /** Passes a member's name and colon. Its index in the table; -1 when the table has none, and the cursor stays. */
  key(table: KeyTable): number {
    const start = this.at;
    const index = this.name(table);
    if (index < 0) this.at = start;
    else this.colon();
    return index;
  }

  /** Passes a string and returns its index in the table; -1 when it has none. */
  name(table: KeyTable): number {
    const { bytes } = this;
    let at = this.at;
    if (bytes[at] !== quote) decline();
    const start = ++at;
    let hash = 0;
    let byte = bytes[at] as number;
    while (byte !== quote) {
      if (byte < firstPrintable || byte === backslash) decline();
      hash = hashStep(hash, byte);
      byte = bytes[++at] as number;
    }
    this.at = at + 1;
    return findKey(table, bytes, start, at, hash);
  }

  /** Passes a name that no table knows, and its colon. */
  anyKey(): string {
    const name = this.string();
    this.colon();
    return name;
  }

  /** How many levels may still be entered. */
  remaining(): number {
    return this.limit - this.depth;
  }

  /** Passes a string. */
  string(): string {
    const end = this.plainEnd();
    if (end < 0) return this.escaped();
    const start = this.at + 1;
    this.at = end + 1;
    return this.slice(start, end);
  }

  /** End of the string here, which is at its closing quote; -1 when it has escapes. */
  plainEnd(): number {
    const { bytes } = this;
    let at = this.at;
    if (bytes[at] !== quote) decline();
    let byte = bytes[++at] as number;
    while (isPlain[byte] === 1) byte = bytes[++at] as number;
    if (byte === quote) return at;
    return byte === backslash ? -1 : decline();
  }

  /** Whether a null stood here; if so, it is passed. */
  isNull(): boolean {
    const { bytes, at } = this;
    if (bytes[at] !== 110) return false;
    if (bytes[at + 1] !== 117 || bytes[at + 2] !== 108 || bytes[at + 3] !== 108) decline();
    this.at = at + 4;
    return true;
  }

  /** Passes `true` or `false`. */
  bool(): boolean {
    const { bytes, at } = this;
    if (bytes[at] === 116) {
      if (bytes[at + 1] !== 114 || bytes[at + 2] !== 117 || bytes[at + 3] !== 101) decline();
      this.at = at + 4;
      return true;
    }
    if (bytes[at] !== 102 || bytes[at + 1] !== 97 || bytes[at + 2] !== 108) decline();
    if (bytes[at + 3] !== 115 || bytes[at + 4] !== 101) decline();
    this.at = at + 5;
    return false;
  }

  /** Part of the document. */
  slice(start: number, end: number): string {
    if (this.text !== undefined) return this.text.slice(start, end);
    return this.bytes.toString(this.ascii ? "latin1" : "utf8", start, end);
  }

  private loadText(text: string): number {
    this.reserve(3 * text.length);
    const length = this.bytes.write(text, 0, "utf8");
    this.ascii = length === text.length;
    // Otherwise a lone surrogate would have become a replacement character.
    if (!this.ascii && !(text as unknown as { isWellFormed(): boolean }).isWellFormed()) decline();
    this.text = this.ascii && length <= slicedLength ? text : undefined;
    return length;
  }

  private loadBytes(source: Uint8Array): number {
    const { length } = source;
    this.reserve(length);
    this.bytes.set(source);
    this.ascii = isAscii(source);
    if (!this.ascii && !isUtf8(source)) decline();
    this.text = this.ascii && length <= slicedLength ? this.bytes.toString("latin1", 0, length) : undefined;
    return length;
  }

  private reserve(length: number): void {
    if (length >= this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(length + 1);
  }

  private enter(bracket: number): void {
    if (this.bytes[this.at] !== bracket || ++this.depth > this.limit) decline();
    this.at++;
    this.space();
  }

  private leave(): false {
    this.at++;
    this.depth--;
    return false;
  }

  private more(bracket: number): boolean {
    this.space();
    const byte = this.bytes[this.at];
    if (byte === bracket) return this.leave();
    if (byte !== comma) decline();
    this.at++;
    this.space();
    return true;
  }

  /** Passes the colon after a name. */
  colon(): void {
    this.space();
    if (this.bytes[this.at] !== colon) decline();
    this.at++;
    this.space();
  }

  private space(): void {
    const { bytes } = this;
    let at = this.at;
    let byte = bytes[at] as number;
    if (byte > firstPrintable) return;
    while (byte === 32 || byte === 10 || byte === 13 || byte === 9) byte = bytes[++at] as number;
    this.at = at;
  }

  private escaped(): string {
    const { bytes, at } = this;
    let end = at + 1;
    let byte = bytes[end] as number;
    while (byte !== quote) {
      if (!(byte >= firstPrintable)) decline();
      end += byte === backslash ? 2 : 1;
      byte = bytes[end] as number;
    }
    const value = JSON.parse(this.slice(at, end + 1)) as string;
    if (!(value as unknown as { isWellFormed(): boolean }).isWellFormed()) decline();
    this.at = end + 1;
    return value;
  }
}
