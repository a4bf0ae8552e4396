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

/** The other end of a connection. */
export interface Peer {
  readonly remoteAddress?: string | undefined;
  /** Whom its own certificate names, in the form in which a mesh forwards it. */
  readonly clientCertificate?: string | undefined;
}

/** Notes how a request arrived, and takes off headers that only our own proxies may set. */
export function noteArrival(request: Request, trust: ArrivalTrust): Arrival {
  const forwarded = single(request.headers["x-forwarded-for"]);
  const peer: Peer | undefined = request.socket;
  const certificate = single(request.headers["x-forwarded-client-cert"]);
  if (!trust.mesh) delete request.headers["x-forwarded-client-cert"];
  return {
    clientAddress: clientAddress(forwarded, peer?.remoteAddress ?? "", trust.proxyHops),
    meshIdentity: trust.mesh ? lastCertificate(certificate) : peer?.clientCertificate,
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
