import { createHmac, timingSafeEqual } from "node:crypto";

/** Bytes of a secret: as many as SHA-1 has (RFC 4226, section 4). */
export const secretBytes = 20;

const digits = 6;
const stepMs = 30_000;
/** Steps before and after the present one whose codes are taken, for clocks that differ and for slow hands. */
const drift = [-1, 0, 1];
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code of a time step (RFC 6238 over RFC 4226: HMAC-SHA-1, six digits). */
export function codeOf(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = (mac[mac.length - 1] ?? 0) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** digits).padStart(digits, "0");
}

/** The time step of a moment, in milliseconds of the epoch. */
export function stepOf(now: number): number {
  return Math.floor(now / stepMs);
}

/**
 * The step whose code somebody shows now; undefined when it is none of the
 * present one's and its neighbours'. Takes the same time for every six digits.
 */
export function stepOfCode(secret: Uint8Array, code: string, now: number): number | undefined {
  if (!/^[0-9]{6}$/.test(code)) return undefined;
  const shown = Buffer.from(code);
  const present = stepOf(now);
  let found: number | undefined;
  for (const offset of drift) {
    const equal = timingSafeEqual(Buffer.from(codeOf(secret, present + offset)), shown);
    if (equal) found = present + offset;
  }
  return found;
}

/** Base32 (RFC 4648, section 6) without padding, as authenticator apps take secrets. */
export function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,5}/g) ?? [];
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(5, "0"), 2)]).join("");
}

/** What an authenticator app reads from a QR code; labels as `issuer:account`. */
export function otpauthUri(secret: Uint8Array, issuer: string, account: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(account)}`;
  const name = encodeURIComponent(issuer);
  return `otpauth://totp/${label}?secret=${base32(secret)}&issuer=${name}&algorithm=SHA1&digits=${digits}&period=${stepMs / 1000}`;
}
