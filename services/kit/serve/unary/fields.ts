import { Metadata } from "../../calls/metadata.js";

/** Headers or trailers to be written. */
export type Fields = Readonly<Record<string, string | string[]>>;

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

/** Metadata as Node writes it, each name behind `prefix`. Nothing in it can change how the answer is read. */
export function fieldsOf(metadata: Headers, prefix = ""): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  const add = (value: string, name: string) => {
    if (!reserved.has(name)) fields[prefix + name] = value;
  };
  if (metadata instanceof Metadata) metadata.eachUnordered(add);
  else metadata.forEach(add);
  const cookies = metadata.getSetCookie();
  if (cookies.length > 0) fields[`${prefix}set-cookie`] = cookies;
  return fields;
}
