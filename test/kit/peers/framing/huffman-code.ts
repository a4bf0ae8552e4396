import { octetsByLength } from "../../../../services/kit/peers/framing/huffman.js";

/** The code of each octet, as a text of binary digits (RFC 7541, appendix B). */
export const huffmanCodes: ReadonlyMap<number, string> = codes();

/** Encodes octets, padded with the beginning of the end-of-string code. */
export function encodeHuffman(octets: Uint8Array): Buffer {
  const digits = [...octets].map((octet) => huffmanCodes.get(octet)).join("");
  const padded = digits.padEnd(Math.ceil(digits.length / 8) * 8, "1");
  return Buffer.from(padded.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

function codes(): Map<number, string> {
  const found = new Map<number, string>();
  let code = 0n;
  let previous = 0;
  for (const [bits, octets] of octetsByLength) {
    code <<= BigInt(bits - previous);
    previous = bits;
    for (const octet of Buffer.from(octets, "latin1")) {
      found.set(octet, code.toString(2).padStart(bits, "0"));
      code += 1n;
    }
  }
  return found;
}
