import type { Arrival } from "../chain/arrival.js";
import { lastCertificate } from "../chain/mesh-identity.js";
import { newId } from "../ids.js";
import type { Request } from "./listen.js";

/** What the listener believes of the proxies before it. */
export interface ArrivalTrust {
  /** How many proxies of ours stand before this process; their `x-forwarded-for` entries are believed. */
  readonly proxyHops: number;
  /** Whether a mesh sidecar writes `x-forwarded-client-cert`. */
  readonly mesh: boolean;
  /** Whether callers are workloads, whose request ids are taken over. */
  readonly internal: boolean;
}

/** Notes how a request arrived, and takes off headers that only our own proxies may set. */
export function noteArrival(request: Request, trust: ArrivalTrust): Arrival {
  const forwarded = single(request.headers["x-forwarded-for"]);
  const certificate = single(request.headers["x-forwarded-client-cert"]);
  if (!trust.mesh) delete request.headers["x-forwarded-client-cert"];
  return {
    clientAddress: clientAddress(forwarded, request.socket?.remoteAddress ?? "", trust.proxyHops),
    meshIdentity: trust.mesh ? lastCertificate(certificate) : undefined,
    authority: single(request.headers[":authority"] ?? request.headers.host),
    requestId: trust.internal ? undefined : newId(),
    reachedChain: false,
  };
}

function clientAddress(forwarded: string, remote: string, hops: number): string {
  if (hops === 0 || forwarded === "") return remote;
  const addresses = forwarded.split(",").map((address) => address.trim());
  return addresses.at(-hops) ?? addresses[0] ?? remote;
}

function single(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(",") : (header ?? "");
}
