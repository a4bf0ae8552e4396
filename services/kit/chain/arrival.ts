import { createContextKey } from "@connectrpc/connect";

/** How a call reached this process, noted by the listener before any protocol is parsed. */
export interface Arrival {
  /** Address of the peer that connected, or that trusted proxies report; empty where a sidecar hides it. */
  readonly clientAddress: string;
  /** Host and port that the client asked for, as it named them; absent when it named none. */
  readonly authority?: string;
  /** The last element of `x-forwarded-client-cert`, when a mesh sidecar wrote it; or the same of the client's own certificate. */
  readonly meshIdentity: string | undefined;
  /**
   * SPIFFE id of the client's verified certificate, whatever its trust domain; absent when it has none, and for
   * the mesh's own proxies.
   */
  readonly clientIdentity?: string | undefined;
  /** Our id of the request; undefined where callers are workloads, which send it. */
  requestId: string | undefined;
  /** Set by the chain. What never reaches it is logged by the listener. */
  reachedChain: boolean;
  /** Set where a document was served, which is neither a call nor a refusal. */
  answered?: true;
  /** Reason with which a request was refused before the chain, for that line. */
  rejection?: string;
}

/** Key of the arrival in Connect's context values; unset for calls in memory. */
export const arrivalKey = createContextKey<Arrival | undefined>(undefined, { description: "arrival" });
