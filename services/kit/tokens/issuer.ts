import { type Setting, text } from "../config.js";
import { defaultTokenIssuer } from "./claims.js";

/**
 * The setting of what auth's tokens name as their issuer: a URL without query
 * and fragment (RFC 8414, section 2), the same in every process.
 */
export function tokenIssuer(): Setting<string> {
  return text({
    fallback: defaultTokenIssuer,
    expected: "a URL such as https://api.example.com, without query, fragment or slash at its end",
    accept: isIssuer,
  });
}

function isIssuer(value: string): boolean {
  if (!URL.canParse(value) || value.endsWith("/")) return false;
  const { protocol, search, hash, username } = new URL(value);
  return /^https?:$/.test(protocol) && search + hash + username === "" && !/[?#\s"\\]/.test(value);
}

/** Where clients reach the gateway: the issuer's origin. */
export function tokenOrigin(issuer: string): string {
  return new URL(issuer).origin;
}
