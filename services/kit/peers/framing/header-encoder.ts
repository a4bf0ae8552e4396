import type { OutgoingHttpHeaders } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";
import { DynamicTable, entryOverhead } from "./dynamic-table.js";
import { valueProblem } from "./field-rules.js";
import { type HeaderName, HeaderNames } from "./header-names.js";
import { defaultTableSize } from "./protocol.js";
import { staticFields } from "./static-table.js";

/** Largest value that enters the table, in characters: one must not drive out all others. */
const longestIndexed = 256;
/** Octets that two updates of the table's size take at most. No field takes more of a block than of a list. */
const sizeUpdatesLength = 8;
/** Representations of a field (RFC 7541, section 6): the bits that say which, and how many are left for the index. */
const indexedField = { pattern: 0x80, prefix: 7 } as const;
const addedLiteral = { pattern: 0x40, prefix: 6 } as const;
const plainLiteral = { pattern: 0x00, prefix: 4 } as const;
const neverIndexed = { pattern: 0x10, prefix: 4 } as const;
const tableSizeUpdate = { pattern: 0x20, prefix: 5 } as const;
/** A string literal that is not Huffman-coded (section 5.2). */
const plainString = { pattern: 0x00, prefix: 7 } as const;

/** The pseudo-headers of a request, which come before all other fields (RFC 9113, section 8.3). */
const pseudoHeaders = [":method", ":scheme", ":authority", ":path"] as const;
const colon = 0x3a;

/** Where requests go, for those that do not say so themselves. */
export interface Origin {
  readonly ":scheme": string;
  readonly ":authority": string;
}

interface Entry {
  readonly name: HeaderName;
  readonly value: string;
  readonly size: number;
  readonly number: number;
}

/**
 * Writes header blocks (RFC 7541). A field that comes a second time with the
 * same value enters the dynamic table, so that what goes along with every call
 * takes one octet. Strings are not Huffman-coded, which would cost both sides
 * more than the octets that it saves between neighbours.
 */
export class HeaderEncoder {
  readonly #origin: Readonly<Record<string, string | undefined>>;
  readonly #names = new HeaderNames();
  readonly #table = new DynamicTable<Entry>(defaultTableSize, forgetEntry);
  readonly #fields: { name: HeaderName; value: string }[] = [];
  #count = 0;
  #listSize = 0;
  /** Entries that were ever added. */
  #added = 0;
  #block = Buffer.allocUnsafeSlow(1024);
  #at = 0;
  /** Sizes that the other side has to hear of before the next field: the least, and the last. */
  #leastSize: number | undefined;
  #nextSize: number | undefined;

  constructor(origin: Origin) {
    this.#origin = { ...origin };
  }

  /** Octets in the dynamic table. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** Names that it has met and not forgotten. */
  get namesKnown(): number {
    return this.#names.count;
  }

  /** Takes what the other side allows the table to be, in octets (RFC 7541, section 4.2). */
  limitTable(allowed: number): void {
    const limit = Math.min(allowed, defaultTableSize);
    if (limit === (this.#nextSize ?? this.#table.limit)) return;
    this.#leastSize = Math.min(limit, this.#leastSize ?? limit);
    this.#nextSize = limit;
  }

  /**
   * The block of these headers, which holds until the next is written. Throws a
   * TypeError for headers that HTTP/2 forbids, and RESOURCE_EXHAUSTED for more
   * than `largestList` octets, counted as RFC 9113, section 6.5.2 does; the
   * other side's table is as before then.
   */
  encode(headers: OutgoingHttpHeaders, largestList: number): Buffer {
    this.#collect(headers, largestList);
    this.#at = 0;
    this.#writeTableSizes();
    for (let i = 0; i < this.#count; i += 1) {
      const { name, value } = this.#fields[i]!;
      this.#writeField(name, value);
    }
    return this.#block.subarray(0, this.#at);
  }

  /** Everything is looked into before anything is written: a block that does not leave must not have changed the table. */
  #collect(headers: OutgoingHttpHeaders, largestList: number): void {
    this.#count = 0;
    this.#listSize = 0;
    for (const name of pseudoHeaders) this.#take(name, headers[name] ?? this.#origin[name]);
    for (const name in headers) {
      if (name.charCodeAt(0) !== colon) this.#take(name, headers[name]);
      else if (!isPseudo(name)) throw new TypeError(`no request has "${name}"`);
    }
    if (this.#listSize > largestList) {
      const message = `headers of ${this.#listSize} bytes, where the server takes ${largestList}`;
      throw new ConnectError(message, Code.ResourceExhausted);
    }
    const room = this.#listSize + sizeUpdatesLength;
    if (room > this.#block.length) this.#block = Buffer.allocUnsafeSlow(room * 2);
  }

  #take(key: string, given: OutgoingHttpHeaders[string]): void {
    if (given === undefined) return;
    const name = this.#names.of(key);
    if (Array.isArray(given)) for (const one of given) this.#takeValue(name, one);
    else this.#takeValue(name, typeof given === "string" ? given : String(given));
  }

  #takeValue(name: HeaderName, value: string): void {
    const problem = valueProblem(name.text, value);
    if (problem) throw new TypeError(problem);
    this.#listSize += sizeOf(name, value);
    this.#put(name, value);
  }

  #put(name: HeaderName, value: string): void {
    const field = this.#fields[this.#count];
    if (field) {
      field.name = name;
      field.value = value;
    } else this.#fields.push({ name, value });
    this.#count += 1;
  }

  #writeTableSizes(): void {
    if (this.#nextSize === undefined || this.#leastSize === undefined) return;
    if (this.#leastSize < this.#nextSize) this.#resize(this.#leastSize);
    this.#resize(this.#nextSize);
    this.#leastSize = undefined;
    this.#nextSize = undefined;
  }

  #resize(size: number): void {
    this.#table.resize(size);
    this.#integer(tableSizeUpdate, size);
  }

  #writeField(name: HeaderName, value: string): void {
    const known = name.staticValues?.get(value) ?? this.#indexOf(name.entries.get(value));
    if (known !== undefined) {
      this.#integer(indexedField, known);
      return;
    }
    const add = this.#enters(name, value);
    const literal = name.indexing === "secret" ? neverIndexed : plainLiteral;
    this.#integer(add ? addedLiteral : literal, name.staticIndex);
    if (name.staticIndex === 0) this.#string(name.text);
    this.#string(value);
    if (add) this.#add(name, value);
  }

  #enters(name: HeaderName, value: string): boolean {
    if (name.indexing !== "repeated" || value.length > longestIndexed) return false;
    if (sizeOf(name, value) > this.#table.limit) return false;
    return name.seenAgain(value);
  }

  #add(name: HeaderName, value: string): void {
    const number = this.#added;
    this.#added += 1;
    this.#table.add({ name, value, size: sizeOf(name, value), number });
    name.entries.set(value, number);
  }

  /** The newest entry of the dynamic table comes behind the static one. */
  #indexOf(number: number | undefined): number | undefined {
    return number === undefined ? undefined : staticFields.length + this.#added - number;
  }

  #integer({ pattern, prefix }: { readonly pattern: number; readonly prefix: number }, value: number): void {
    const most = (1 << prefix) - 1;
    if (value < most) {
      this.#block[this.#at++] = pattern | value;
      return;
    }
    this.#block[this.#at++] = pattern | most;
    let rest = value - most;
    for (; rest >= 0x80; rest >>>= 7) this.#block[this.#at++] = 0x80 | (rest & 0x7f);
    this.#block[this.#at++] = rest;
  }

  #string(text: string): void {
    this.#integer(plainString, text.length);
    this.#at += this.#block.write(text, this.#at, "latin1");
  }
}

function isPseudo(name: string): boolean {
  return (pseudoHeaders as readonly string[]).includes(name);
}

function sizeOf(name: HeaderName, value: string): number {
  return name.text.length + value.length + entryOverhead;
}

function forgetEntry({ name, value }: Entry): void {
  name.entries.delete(value);
}
