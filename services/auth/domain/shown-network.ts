import { networkOf } from "./network.js";

/**
 * The network of an address as its owner may recognise it: `203.0.113.0/24`,
 * `2001:db8:12::/48`. Empty for what is no address.
 */
export function shownNetwork(address: string): string {
  const [family, bits = ""] = networkOf(address, { ipv4: 24, ipv6: 48 }).split(":", 2);
  if (family === "4") return `${groups(bits, 8).join(".")}.0/24`;
  if (family !== "6") return "";
  const shown = groups(bits, 16).map((group) => group.toString(16));
  while (shown.at(-1) === "0") shown.pop();
  return `${shown.join(":")}::/48`;
}

function groups(bits: string, width: number): number[] {
  const count = bits.length / width;
  return Array.from({ length: count }, (_, at) =>
    Number.parseInt(bits.slice(at * width, (at + 1) * width), 2),
  );
}
