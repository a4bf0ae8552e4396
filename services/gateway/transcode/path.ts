import { errors } from "../../kit/errors.js";

/** A request target, split but not decoded. */
export interface Target {
  /** Raw path, with its leading slash. */
  readonly path: string;
  /** Raw query, without its question mark. */
  readonly query: string;
}

const outsideAscii = /[^\x21-\x7e]/;
const absoluteForm = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?]*/;

/**
 * Splits a request target as it came, in origin or absolute form (RFC 9112).
 * `new URL` would resolve dot segments and rewrite escapes. Throws
 * URL_MALFORMED.
 */
export function splitTarget(url: string): Target {
  if (outsideAscii.test(url)) {
    throw errors.urlMalformed({ problem: "a character outside ASCII must be percent-encoded" });
  }
  const local = url.charCodeAt(0) === 47 ? url : url.replace(absoluteForm, "");
  if (local.includes("#")) throw errors.urlMalformed({ problem: "a fragment is never sent" });
  const mark = local.indexOf("?");
  if (mark < 0) return { path: local || "/", query: "" };
  return { path: local.slice(0, mark) || "/", query: local.slice(mark + 1) };
}

/** Decodes each percent-escape once. Throws URL_MALFORMED when one is broken or the bytes are not UTF-8. */
export function decode(raw: string): string {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    throw errors.urlMalformed({ problem: `${raw} has a broken percent-escape or is not UTF-8` });
  }
}

const encodedSlash = /(%2[fF])/;

/** Decodes everything but `%2F`, which stays as it came: a variable of several segments keeps its boundaries. */
export function decodeKeepingSlashes(raw: string): string {
  if (!raw.includes("%")) return raw;
  return raw
    .split(encodedSlash)
    .map((part, index) => (index % 2 === 1 ? part : decode(part)))
    .join("");
}

/** Decodes a part of a query, where `+` is a space. Throws URL_MALFORMED. */
export function decodeQuery(raw: string): string {
  return decode(raw.includes("+") ? raw.replaceAll("+", " ") : raw);
}
