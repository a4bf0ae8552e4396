import type { UnaryResponse } from "@connectrpc/connect";
import { Metadata } from "../../calls/metadata.js";
import { UnaryReply } from "../../calls/unary-call.js";

/** Headers or trailers to be written. */
export type Fields = Readonly<Record<string, string | string[]>>;

/** Headers while they are put together. */
export type Head = Record<string, string | string[] | number>;

/** What belongs to the connection or the protocol, not to a call's metadata. */
const reserved: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-status-details-bin",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Adds metadata as Node writes it, each name behind `prefix`. Nothing in it can change how the answer is read. */
export function addFields(head: Head, metadata: Headers, prefix = ""): void {
  const add = (value: string, name: string) => {
    if (!reserved.has(name)) head[prefix + name] = value;
  };
  if (metadata instanceof Metadata) {
    if (metadata.isEmpty) return;
    metadata.eachUnordered(add);
  } else metadata.forEach(add);
  const cookies = metadata.getSetCookie();
  if (cookies.length > 0) head[`${prefix}set-cookie`] = cookies;
}

/** Metadata alone, as `addFields` adds it. */
export function fieldsOf(metadata: Headers, prefix = ""): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  addFields(fields, metadata, prefix);
  return fields;
}

/** A reply's trailers; undefined without any, as they are not made then. */
export function trailerOf(reply: UnaryResponse): Headers | undefined {
  return reply instanceof UnaryReply && !reply.call.hasTrailers ? undefined : reply.trailer;
}
