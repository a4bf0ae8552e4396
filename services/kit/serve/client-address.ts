import { splitFromEnd } from "../chain/mesh-identity.js";

/** Headers in which proxies say whom they forward for. */
export const proxyHeaders = ["x-forwarded-for", "forwarded"] as const;

/** Which proxies are believed, and where they write. */
export interface ProxyTrust {
  /** How many proxies of ours stand before this process, each of which adds one element. */
  readonly hops: number;
  /** The header that they add to; the other one is a client's own invention. */
  readonly header: (typeof proxyHeaders)[number];
}

/**
 * The address of the client: of the connection, or what the outermost proxy of
 * ours saw. Elements are counted from the end, where ours stand: what comes
 * before them, and whatever quotation it leaves open, was sent by a stranger.
 */
export function clientAddress(value: string, remote: string, { hops, header }: ProxyTrust): string {
  if (hops === 0 || value === "") return remote;
  const elements = splitFromEnd(value, ",", hops).map((element) => element.trim());
  // Fewer than configured were passed: the last one read is the first that a proxy of ours wrote.
  const element = elements.at(-1) ?? "";
  const address = header === "forwarded" ? forwardedFor(element) : element;
  return withoutPort(address) || remote;
}

/** The node of an element of `Forwarded` (RFC 7239); empty when it names none. */
function forwardedFor(element: string): string {
  const pairs = splitFromEnd(element, ";").map((pair) => pair.trim());
  const pair = pairs.find((one) => one.slice(0, 4).toLowerCase() === "for=");
  const node = pair?.slice(4).replaceAll('"', "") ?? "";
  return node.toLowerCase() === "unknown" ? "" : node;
}

/** An address as it is counted, whichever port it came from. */
function withoutPort(address: string): string {
  if (address.startsWith("["))
    return address.slice(1, address.indexOf("]") < 0 ? undefined : address.indexOf("]"));
  const colon = address.indexOf(":");
  return colon >= 0 && colon === address.lastIndexOf(":") ? address.slice(0, colon) : address;
}
