/** A validator of a representation (RFC 9110, section 8.8.3), without its quotes. */
export interface EntityTag {
  readonly opaque: string;
  readonly weak: boolean;
}

/** What `If-Match` or `If-None-Match` asks for. */
export type TagCondition =
  | { readonly kind: "any" }
  | { readonly kind: "tags"; readonly tags: readonly EntityTag[] }
  | { readonly kind: "malformed" };

const quote = '"';

/** Reads the value of `If-Match` or `If-None-Match`: `*`, or entity tags between commas. */
export function parseTagCondition(value: string): TagCondition {
  if (value.trim() === "*") return { kind: "any" };
  const tags: EntityTag[] = [];
  let at = skip(value, 0);
  while (at < value.length) {
    const weak = value.startsWith("W/", at);
    const start = at + (weak ? 2 : 0);
    const end = value[start] === quote ? value.indexOf(quote, start + 1) : -1;
    if (end < 0 || !isOpaque(value, start + 1, end)) return { kind: "malformed" };
    tags.push({ opaque: value.slice(start + 1, end), weak });
    at = skipSpace(value, end + 1);
    if (at < value.length && value[at] !== ",") return { kind: "malformed" };
    at = skip(value, at);
  }
  return tags.length > 0 ? { kind: "tags", tags } : { kind: "malformed" };
}

/** A strong entity tag as a header carries it; undefined when the text may not stand in one. */
export function formatTag(opaque: string): string | undefined {
  return opaque !== "" && isOpaque(opaque, 0, opaque.length) ? `"${opaque}"` : undefined;
}

/** Whether `If-None-Match` names a representation: by weak comparison, and never when it is malformed. */
export function isNamedBy(value: string, etag: string): boolean {
  const condition = parseTagCondition(value);
  if (condition.kind !== "tags") return condition.kind === "any";
  const opaque = etag.slice(etag.indexOf(quote) + 1, -1);
  return condition.tags.some((tag) => tag.opaque === opaque);
}

/** Past white space, and the commas of empty elements. */
function skip(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t" || text[at] === ",") at += 1;
  return at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return at;
}

/** Visible characters but the quote, and what Latin-1 has beyond ASCII. */
function isOpaque(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x21 || code === 0x22 || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
