import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { Metadata } from "../../kit/calls/metadata.js";
import { errors } from "../../kit/errors.js";

/** Between two neighbours on the wire, or about the REST body rather than the message. */
const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "content-length",
  "content-type",
  "content-encoding",
]);

/** What a request's metadata leaves out. */
const ofRequest: ReadonlySet<string> = new Set([
  ...hopByHop,
  "host",
  "expect",
  "accept-encoding",
  "x-timeout-ms",
]);

/** The end-to-end headers of a request, as metadata for the method. */
export function metadataOf(headers: IncomingHttpHeaders): Metadata {
  const dropped = connectionOptions(headers.connection);
  const received: IncomingHttpHeaders = {};
  for (const name in headers) {
    if (ofRequest.has(name) || isProtocols(name) || dropped?.has(name)) continue;
    received[name] = headers[name];
  }
  return new Metadata(received);
}

/** Adds a reply's headers that are for the client. */
export function addReplyHeaders(target: OutgoingHttpHeaders, source: Headers): void {
  const add = (value: string, name: string): void => {
    if (name === "set-cookie" || target[name] !== undefined || !travels(name)) return;
    target[name] = value;
  };
  if (source instanceof Metadata) {
    if (source.isEmpty) return;
    source.eachUnordered(add);
  } else source.forEach(add);
  const cookies = source.getSetCookie();
  if (cookies.length > 0) target["set-cookie"] = cookies;
}

function travels(name: string): boolean {
  return !hopByHop.has(name) && !isProtocols(name);
}

/** Whether a header belongs to a protocol of calls. */
function isProtocols(name: string): boolean {
  return name.startsWith(":") || name.startsWith("grpc-") || name.startsWith("connect-");
}

function connectionOptions(connection: string | undefined): Set<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  return new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
}

const timeoutsInMs = ["x-timeout-ms", "connect-timeout-ms"] as const;
const wholeNumber = /^[0-9]{1,10}$/;
const grpcTimeout = /^([0-9]{1,8})([HMSmun])$/;
const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * How long the client waits, in milliseconds: `x-timeout-ms`, else
 * `connect-timeout-ms`, else `grpc-timeout`. Throws PARAMETER_INVALID.
 */
export function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  for (const name of timeoutsInMs) {
    const value = headers[name];
    if (value === undefined) continue;
    if (typeof value === "string" && wholeNumber.test(value)) return Number(value);
    throw errors.parameterInvalid({ parameter: name, problem: "must be a whole number of milliseconds" });
  }
  const value = headers["grpc-timeout"];
  if (value === undefined) return undefined;
  const [, amount, unit = ""] = (typeof value === "string" && grpcTimeout.exec(value)) || [];
  const factor = unitMs[unit];
  if (factor !== undefined) return Math.ceil(Number(amount) * factor);
  throw errors.parameterInvalid({
    parameter: "grpc-timeout",
    problem: "must be a number with a unit, such as 500m",
  });
}
