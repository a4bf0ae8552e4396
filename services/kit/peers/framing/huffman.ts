import { errorCode } from "./protocol.js";
import { ConnectionFault } from "./protocol-error.js";

/**
 * The octets of each code length (RFC 7541, appendix B). The code is
 * canonical: the lengths alone define it, as codes of one length follow one
 * another in the order of their octets, and begin where the shorter ones end.
 */
export const octetsByLength: readonly (readonly [bits: number, octets: string])[] = [
  [5, "012aceiost"],
  [6, " %-./3456789=A_bdfghlmnpru"],
  [7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"],
  [8, "&*,;XZ"],
  [10, '!"()?'],
  [11, "'+|"],
  [12, "#>"],
  [13, "\x00$@[]~"],
  [14, "^}"],
  [15, "<`{"],
  [19, "\\\xc3\xd0"],
  [20, "\x80\x82\x83\xa2\xb8\xc2\xe0\xe2"],
  [21, "\x99\xa1\xa7\xac\xb0\xb1\xb3\xd1\xd8\xd9\xe3\xe5\xe6"],
  [
    22,
    "\x81\x84\x85\x86\x88\x92\x9a\x9c\xa0\xa3\xa4\xa9\xaa\xad\xb2\xb5\xb9\xba\xbb\xbd\xbe\xc4\xc6\xe4\xe8\xe9",
  ],
  [
    23,
    "\x01\x87\x89\x8a\x8b\x8c\x8d\x8f\x93\x95\x96\x97\x98\x9b\x9d\x9e\xa5\xa6\xa8\xae\xaf\xb4\xb6\xb7\xbc\xbf\xc5\xe7\xef",
  ],
  [24, "\x09\x8e\x90\x91\x94\x9f\xab\xce\xd7\xe1\xec\xed"],
  [25, "\xc7\xcf\xea\xeb"],
  [26, "\xc0\xc1\xc8\xc9\xca\xcd\xd2\xd5\xda\xdb\xee\xf0\xf2\xf3\xff"],
  [27, "\xcb\xcc\xd3\xd4\xd6\xdd\xde\xdf\xf1\xf4\xf5\xf6\xf7\xf8\xfa\xfb\xfc\xfd\xfe"],
  [
    28,
    "\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x11\x12\x13\x14\x15\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f\xdc\xf9",
  ],
  [30, "\x0a\x0d\x16"],
];

/** Bits that one look into the table takes. */
const stepBits = 8;
/** An entry that leads to another node of the table; others are `bits << 8 | octet`, or 0 where no octet is. */
const branch = 0x8000;

const table = buildTable();

/**
 * Decodes a string literal into `target`, which has to have room for 8/5 of
 * its octets, and returns how many came of it. Throws COMPRESSION_ERROR for the
 * code of the end of the string, and for padding that is longer than 7 bits or
 * anything but the beginning of that code (RFC 7541, section 5.2).
 */
export function decodeHuffman(source: Uint8Array, start: number, end: number, target: Uint8Array): number {
  let node = 0;
  let bits = 0;
  let count = 0;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    bits = ((bits << 8) | source[at]!) & 0xffff;
    count += 8;
    while (count >= stepBits) {
      const entry = table[node | ((bits >>> (count - stepBits)) & 0xff)]!;
      if (entry >= branch) {
        node = entry & ~branch;
        count -= stepBits;
      } else {
        if (entry === 0) throw invalid("holds the code of its own end");
        target[length++] = entry & 0xff;
        count -= entry >>> 8;
        node = 0;
      }
    }
  }
  while (count > 0) {
    const entry = table[node | ((bits << (stepBits - count)) & 0xff)]!;
    if (entry >= branch || entry === 0 || entry >>> 8 > count) break;
    target[length++] = entry & 0xff;
    count -= entry >>> 8;
    node = 0;
  }
  const padding = (1 << count) - 1;
  if (node !== 0 || (bits & padding) !== padding) throw invalid("has wrong padding");
  return length;
}

function invalid(what: string): ConnectionFault {
  return new ConnectionFault(errorCode.compression, `a Huffman-coded string ${what}`);
}

/** Nodes of 256 entries, one for each prefix of whole octets that codes have; the root is the first. */
function buildTable(): Uint16Array {
  const entries: number[] = Array(256).fill(0);
  let code = 0;
  let previous = 0;
  for (const [bits, octets] of octetsByLength) {
    code *= 2 ** (bits - previous);
    previous = bits;
    for (const octet of octets) {
      enter(entries, code, bits, octet.charCodeAt(0));
      code += 1;
    }
  }
  return Uint16Array.from(entries);
}

function enter(entries: number[], code: number, bits: number, octet: number): void {
  let node = 0;
  let rest = bits;
  for (; rest > stepBits; rest -= stepBits) {
    const at = node + ((code >>> (rest - stepBits)) & 0xff);
    if (entries[at] === 0) {
      entries[at] = branch | entries.length;
      for (let i = 0; i < 256; i += 1) entries.push(0);
    }
    node = entries[at]! & ~branch;
  }
  const first = node + ((code << (stepBits - rest)) & 0xff);
  entries.fill((rest << 8) | octet, first, first + (1 << (stepBits - rest)));
}
