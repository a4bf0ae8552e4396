import { codeOf, stepOf } from "../../../services/auth/domain/totp.js";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code that an authenticator app shows at a time, in milliseconds of the epoch, for an `otpauth` address. */
export function codeOfUri(uri: string, now: number): string {
  const secret = new URL(uri).searchParams.get("secret") ?? "";
  const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0"));
  const bytes = bits.join("").match(/.{8}/g) ?? [];
  return codeOf(Uint8Array.from(bytes.map((byte) => Number.parseInt(byte, 2))), stepOf(now));
}
