import { createHash } from "node:crypto";
import { parse } from "uuid";
import { errors } from "./errors.js";

const idBytes = 16;
const digestBytes = 12;
const length = Math.ceil(((idBytes + digestBytes) * 4) / 3);

const defaultPageSize = 50;
const greatestPageSize = 200;

/** Which page of a list a store reads. */
export interface Page {
  /** Id of the object that the page follows; undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** What a caller asks of a list (AIP-158). */
interface PageRequest {
  /** 0 for 50; never more than 200 are read. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/**
 * The page that a caller asks for of what `query` selects, and the token of the
 * next one; empty on the last. Throws PAGE_TOKEN_INVALID.
 */
export async function readPage<T extends { readonly id: string }>(
  { pageSize, pageToken }: PageRequest,
  query: readonly string[],
  list: (page: Page) => Promise<readonly T[]>,
): Promise<{ readonly items: T[]; readonly nextPageToken: string }> {
  const after = readPageToken(pageToken, query);
  const size = Math.min(pageSize || defaultPageSize, greatestPageSize);
  // One more than asked for tells whether there is a next page.
  const found = await list({ after, limit: size + 1 });
  const items = found.slice(0, size);
  const last = found.length > size ? items.at(-1) : undefined;
  return { items, nextPageToken: last ? pageTokenAfter(last.id, query) : "" };
}

/**
 * An opaque token (AIP-158) for the page after the object `last`, good for the
 * same query only: base64url of the id and a digest of id and query. The digest
 * catches mistakes, not forgers; a forged token moves the position within what
 * the caller may see, and no further.
 */
export function pageTokenAfter(last: string, query: readonly string[]): string {
  const id = Buffer.from(parse(last));
  return Buffer.concat([id, digest(id, query)]).toString("base64url");
}

/** Id of the object that the page follows; undefined for the first page. Throws PAGE_TOKEN_INVALID. */
export function readPageToken(token: string, query: readonly string[]): string | undefined {
  if (token === "") return undefined;
  const bytes = Buffer.from(token, "base64url");
  const id = bytes.subarray(0, idBytes);
  const intact = token.length === length && bytes.toString("base64url") === token;
  if (!intact || !digest(id, query).equals(bytes.subarray(idBytes))) throw errors.pageTokenInvalid();
  return uuidOf(id);
}

function digest(id: Uint8Array, query: readonly string[]): Buffer {
  return createHash("sha256").update(id).update(JSON.stringify(query)).digest().subarray(0, digestBytes);
}

// Not the package's own function, which throws on what a forger may have put in.
function uuidOf(bytes: Buffer): string {
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
