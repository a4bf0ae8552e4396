import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { type Coding, codings } from "./accept-encoding.js";

const conditions = ["if-match", "if-none-match"] as const;

/** A strong entity tag of a representation's bytes: 128 bits of their SHA-256. */
export function tagOf(body: string | Uint8Array): string {
  return `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
}

/**
 * The tag of a representation in a coding, which are other bytes and so need
 * another strong tag. A dot is in none of our own tags.
 */
export function codedTag(etag: string, coding: Coding): string {
  return `${etag.slice(0, -1)}.${coding}"`;
}

/** Takes the codings off the tags that a client sends back, as those behind the edge know none. */
export function removeCodings(headers: IncomingHttpHeaders): void {
  for (const name of conditions) {
    const value = headers[name];
    if (value === undefined) continue;
    headers[name] = codings.reduce((text, coding) => text.replaceAll(`.${coding}"`, '"'), value);
  }
}
