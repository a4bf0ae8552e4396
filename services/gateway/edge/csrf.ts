import { createHmac, timingSafeEqual } from "node:crypto";
import { errors } from "../../kit/errors.js";
import { hostOf } from "./origin.js";
import { csrfCookie, csrfHeader } from "./session-names.js";

const purpose = "consciousness csrf v1";

/**
 * The token that calls of a session have to repeat. It is derived from the
 * session's access token, so that every replica knows it, it changes with the
 * session, and who cannot read the one cannot make the other.
 */
export function csrfTokenOf(accessToken: string): string {
  return createHmac("sha256", accessToken).update(purpose).digest("base64url");
}

/** Throws CSRF_TOKEN_INVALID unless the headers repeat the token of the session. */
export function requireCsrfToken(header: Headers, accessToken: string): void {
  const expected = Buffer.from(csrfTokenOf(accessToken));
  const given = Buffer.from(header.get(csrfHeader) ?? "");
  const equal = given.length === expected.length && timingSafeEqual(given, expected);
  if (!equal) throw errors.csrfTokenInvalid({ cookie: csrfCookie });
}

/** Where a request says that it comes from. */
export interface RequestOrigin {
  readonly header: Headers;
  /** Host and port that it was sent to. */
  readonly authority: string | undefined;
}

/**
 * Throws ORIGIN_NOT_ALLOWED when a browser says that a page of another origin
 * made the request, unless that one is admitted. Older browsers say it by
 * `Origin` alone, and without either no page of another origin is behind it
 * (https://www.w3.org/TR/fetch-metadata/).
 */
export function requireOwnOrigin({ header, authority }: RequestOrigin, origins: ReadonlySet<string>): void {
  const origin = header.get("origin");
  if (origin !== null && origins.has(origin)) return;
  const site = header.get("sec-fetch-site");
  if (site === "same-origin" || site === "none") return;
  if (site === null && (origin === null || (authority && hostOf(origin) === authority))) return;
  throw errors.originNotAllowed({ origin: origin ?? "another origin" });
}
