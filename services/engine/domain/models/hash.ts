/** Start of an FNV-1a hash, 32 bits. */
export const hashStart = 0x811c9dc5;

/** Adds one UTF-16 code unit to an FNV-1a hash; the unit counts as one step, not as two bytes. */
export function hashUnit(hash: number, unit: number): number {
  return Math.imul(hash ^ unit, 0x01000193);
}

/** The finaliser of MurmurHash3 (Appleby, public domain): spreads a hash over all of its 32 bits. */
export function finishHash(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Hash of a whole string, 0..2^32-1. */
export function hashText(text: string): number {
  let hash = hashStart;
  for (let at = 0; at < text.length; at++) hash = hashUnit(hash, text.charCodeAt(at));
  return finishHash(hash);
}

/** Hash of two hashes in order, 0..2^32-1. */
export function hashPair(first: number, second: number): number {
  return finishHash(Math.imul(first, 0x9e3779b1) ^ second);
}
