import type { Arrival } from "../chain/arrival.js";
import { clientOfCertificate, lastCertificate } from "../chain/mesh-identity.js";
import { newId } from "../ids.js";
import { clientAddress, type ProxyTrust } from "./client-address.js";
import type { Request } from "./listen.js";

/** What the listener believes of the proxies before it. */
export interface ArrivalTrust {
  /** How many proxies of ours stand before this process, whose elements of the header are believed. */
  readonly proxyHops: number;
  /** Where they say whom they forward for; `x-forwarded-for` unless given. */
  readonly proxyHeader?: ProxyTrust["header"];
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
  /** SPIFFE id in it; absent when it has none. */
  readonly clientIdentity?: string | undefined;
}

/** Notes how a request arrived, and takes off headers that only our own proxies may set. */
export function noteArrival(request: Request, trust: ArrivalTrust): Arrival {
  const { headers } = request;
  const peer: Peer | undefined = request.socket;
  const certificate = headers["x-forwarded-client-cert"];
  if (certificate !== undefined && !trust.mesh) delete headers["x-forwarded-client-cert"];
  const element = trust.mesh ? lastCertificate(single(certificate)) : undefined;
  return {
    clientAddress: addressOf(request, peer?.remoteAddress ?? "", trust),
    meshIdentity: trust.mesh ? element : peer?.clientCertificate,
    clientIdentity: trust.mesh ? element && clientOfCertificate(element) : peer?.clientIdentity,
    authority: single(headers[":authority"] ?? headers.host),
    requestId: trust.internal ? undefined : newId(),
    reachedChain: false,
  };
}

/** A workload may write any header to another one, whose sidecar hides the connection. */
function addressOf(request: Request, remote: string, trust: ArrivalTrust): string {
  if (trust.internal) return trust.mesh ? "" : remote;
  const { proxyHops: hops, proxyHeader: header = "x-forwarded-for" } = trust;
  return clientAddress(single(request.headers[header]), remote, { hops, header });
}

function single(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(",") : (header ?? "");
}
