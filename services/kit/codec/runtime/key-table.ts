/** Names and their indices, looked up by hash over UTF-8 bytes. */
export interface KeyTable {
  /** By hash: position of an entry plus one, 0 for none. Its length is a power of two. */
  readonly slots: Int16Array;
  readonly hashes: Int32Array;
  /** Start of each entry's bytes in `bytes`, and the end of the last. */
  readonly starts: Int32Array;
  readonly bytes: Uint8Array;
  readonly indices: Int32Array;
}

/** Makes a table of names. */
export function createKeyTable(names: ReadonlyMap<string, number>): KeyTable {
  const encoded = [...names.keys()].map((name) => Buffer.from(name));
  const size = 2 ** Math.ceil(Math.log2(Math.max(4, 3 * encoded.length)));
  const slots = new Int16Array(size);
  const hashes = Int32Array.from(encoded, hashOf);
  for (const [entry, hash] of hashes.entries()) {
    let slot = hash & (size - 1);
    while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
    slots[slot] = entry + 1;
  }
  let end = 0;
  const starts = Int32Array.from([0, ...encoded.map(({ length }) => (end += length))]);
  return { slots, hashes, starts, bytes: Buffer.concat(encoded), indices: Int32Array.from(names.values()) };
}

/** One step of the hash. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/** The index of the name in `source` from `start` to `end`, whose hash is known; -1 when the table has none. */
export function findKey(
  table: KeyTable,
  source: Uint8Array,
  start: number,
  end: number,
  hash: number,
): number {
  const mask = table.slots.length - 1;
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const entry = (table.slots[slot] as number) - 1;
    if (entry < 0) return -1;
    if (table.hashes[entry] === hash && isSame(table, entry, source, start, end)) {
      return table.indices[entry] as number;
    }
  }
}

function hashOf(bytes: Uint8Array): number {
  return bytes.reduce(hashStep, 0);
}

function isSame(table: KeyTable, entry: number, source: Uint8Array, start: number, end: number): boolean {
  const from = table.starts[entry] as number;
  const { bytes } = table;
  if ((table.starts[entry + 1] as number) - from !== end - start) return false;
  for (let at = start, to = from; at < end; at++, to++) if (source[at] !== bytes[to]) return false;
  return true;
}
