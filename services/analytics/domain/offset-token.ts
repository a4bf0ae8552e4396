import { createHash } from "node:crypto";
import { errors } from "../../kit/errors.js";

const offsetBytes = 4;
const digestBytes = 12;

/**
 * An opaque token (AIP-158) for the page that begins at `offset`, good for the
 * same query only: base64url of the offset and a digest of offset and query.
 * The digest catches mistakes, not forgers; a forged token moves the position
 * within what the caller may see, and no further.
 */
export function offsetToken(offset: number, query: Uint8Array): string {
  const position = Buffer.alloc(offsetBytes);
  position.writeUInt32BE(offset);
  return Buffer.concat([position, digest(position, query)]).toString("base64url");
}

/** Where the page begins; 0 without a token. Throws PAGE_TOKEN_INVALID. */
export function readOffsetToken(token: string, query: Uint8Array): number {
  if (token === "") return 0;
  const bytes = Buffer.from(token, "base64url");
  const position = bytes.subarray(0, offsetBytes);
  const intact = bytes.length === offsetBytes + digestBytes && bytes.toString("base64url") === token;
  if (!intact || !digest(position, query).equals(bytes.subarray(offsetBytes)))
    throw errors.pageTokenInvalid();
  return position.readUInt32BE();
}

function digest(position: Uint8Array, query: Uint8Array): Buffer {
  return createHash("sha256").update(position).update(query).digest().subarray(0, digestBytes);
}
