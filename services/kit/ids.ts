import { randomFillSync } from "node:crypto";

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const randomBytes = 6;
const pool = Buffer.allocUnsafe(randomBytes * 512);
const counterBits = 26;

let used = pool.length;
let latest = Number.NEGATIVE_INFINITY;
let prefix = "";
let counter = 0;

/**
 * A new UUIDv7 (RFC 9562): unique, and greater than every one that this process
 * made before. Within a millisecond 26 bits count up from a random start
 * (section 6.2, method 1); the other 48 are random.
 */
export function newId(): string {
  const now = Date.now();
  if (now > latest) begin(now);
  else counter += 1;
  if (counter >= 1 << counterBits) begin(latest + 1);
  const high = counter >>> 14;
  const low = 0x8000 | (counter & 0x3fff);
  const at = takeRandom(randomBytes);
  const random = `${hex[pool[at]!]}${hex[pool[at + 1]!]}${hex[pool[at + 2]!]}${hex[pool[at + 3]!]}${hex[pool[at + 4]!]}${hex[pool[at + 5]!]}`;
  return `${prefix}${hex[high >>> 4]}${hex[(high & 15) << 4]![0]}-${hex[low >>> 8]}${hex[low & 255]}-${random}`;
}

/** Milliseconds of the epoch that a UUIDv7 was made at. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** Sorts before every UUIDv7 of that millisecond of the epoch, or later, and after every earlier one. */
export function lowestIdAt(millisecond: number): string {
  const time = millisecond.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

function begin(millisecond: number): void {
  latest = millisecond;
  const time = millisecond.toString(16).padStart(12, "0");
  prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  // The highest bit is left for counting.
  counter = pool.readUInt32LE(takeRandom(randomBytes)) >>> (33 - counterBits);
}

/** Where fresh random bytes begin. */
function takeRandom(count: number): number {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const at = used;
  used += count;
  return at;
}
