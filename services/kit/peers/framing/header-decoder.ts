import { DynamicTable, entryOverhead } from "./dynamic-table.js";
import { fieldProblem } from "./field-rules.js";
import { decodeHuffman } from "./huffman.js";
import { errorCode } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";
import { staticFields } from "./static-table.js";

/** A field of a header block; octets of name and value are characters of the same number. */
export interface Field {
  readonly name: string;
  readonly value: string;
  /** As header lists and tables count it, in octets. */
  readonly size: number;
  /** Why no message may have it. */
  readonly problem: string | undefined;
}

/** Integers above this are refused, so that they stay exact; no string or table is larger. */
const largestInteger = 0x0fff_ffff;

const knownFields: readonly Field[] = staticFields.map(([name, value]) => ({
  name,
  value,
  size: sizeOf(name, value),
  problem: fieldProblem(name, value),
}));

/** Reads header blocks (RFC 7541), one after another as they came, since each may refer to those before. */
export class HeaderDecoder {
  readonly #table: DynamicTable<Field>;
  /** What we allowed the other side's table to be, in octets. */
  readonly #tableLimit: number;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;
  #decoded = Buffer.allocUnsafeSlow(1024);

  constructor(tableLimit: number) {
    this.#tableLimit = tableLimit;
    this.#table = new DynamicTable(tableLimit);
  }

  /** Octets in the dynamic table. */
  get tableSize(): number {
    return this.#table.size;
  }

  /** Hands over each field in order. Throws COMPRESSION_ERROR, after which no further block can be read. */
  decode(block: Buffer, take: (field: Field) => void): void {
    this.#block = block;
    this.#at = 0;
    this.#readTableSizes();
    while (this.#at < block.length) {
      const first = block[this.#at]!;
      if (first >= 0x80) take(this.#known(this.#integer(7)));
      else if (first >= 0x40) take(this.#literal(6, true));
      else if (first >= 0x20) throw invalid("a table size update behind a field");
      else take(this.#literal(4, false));
    }
    this.#block = Buffer.alloc(0);
  }

  /** Sizes of the table stand before all fields (RFC 7541, section 4.2). */
  #readTableSizes(): void {
    while (this.#at < this.#block.length && this.#block[this.#at]! >>> 5 === 1) {
      const size = this.#integer(5);
      if (size > this.#tableLimit) throw invalid("a table larger than was allowed");
      this.#table.resize(size);
    }
  }

  /** Section 2.3.3: the static table, and the dynamic one behind it. */
  #known(index: number): Field {
    const field =
      index <= knownFields.length ? knownFields[index - 1] : this.#table.at(index - knownFields.length - 1);
    if (!field) throw invalid("an index that nothing has");
    return field;
  }

  #literal(prefix: number, indexed: boolean): Field {
    const index = this.#integer(prefix);
    const name = index === 0 ? this.#string() : this.#known(index).name;
    const value = this.#string();
    const field = { name, value, size: sizeOf(name, value), problem: fieldProblem(name, value) };
    if (indexed) this.#table.add(field);
    return field;
  }

  /** Section 5.1. */
  #integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = this.#octet() & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 28; shift += 7) {
      const octet = this.#octet();
      value += (octet & 0x7f) * 2 ** shift;
      if (value > largestInteger) break;
      if (octet < 0x80) return value;
    }
    throw invalid("an integer that is too large");
  }

  /** Section 5.2. */
  #string(): string {
    const coded = this.#at < this.#block.length && this.#block[this.#at]! >= 0x80;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#block.length) throw invalid("a string that is longer than its block");
    this.#at = end;
    if (!coded) return this.#block.toString("latin1", start, end);
    // The shortest codes have 5 bits.
    if (this.#decoded.length * 5 < length * 8) this.#decoded = Buffer.allocUnsafeSlow(length * 2);
    return this.#decoded.toString("latin1", 0, decodeHuffman(this.#block, start, end, this.#decoded));
  }

  #octet(): number {
    if (this.#at >= this.#block.length) throw invalid("an end before its last field is complete");
    return this.#block[this.#at++]!;
  }
}

function sizeOf(name: string, value: string): number {
  return name.length + value.length + entryOverhead;
}

function invalid(what: string): ConnectionFault {
  return new ConnectionFault(errorCode.compression, `a header block has ${what}`);
}
