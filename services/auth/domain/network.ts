import { isIPv4, isIPv6 } from "node:net";

/** How many bits of an address name the network that it is in. */
export interface Prefixes {
  readonly ipv4: number;
  readonly ipv6: number;
}

/**
 * The network of an address, as bits: `4:110000…`. An IPv4 address in its
 * IPv6-mapped form is the IPv4 address. Empty for what is no address.
 */
export function networkOf(address: string, { ipv4, ipv6 }: Prefixes): string {
  const plain = address.split("%", 1)[0] ?? "";
  if (isIPv4(plain)) return `4:${bitsOf(bytesOfIpv4(plain), 8).slice(0, ipv4)}`;
  if (!isIPv6(plain)) return "";
  const groups = groupsOfIpv6(plain);
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return `4:${bitsOf(groups.slice(6), 16).slice(0, ipv4)}`;
  return `6:${bitsOf(groups, 16).slice(0, ipv6)}`;
}

function bytesOfIpv4(address: string): number[] {
  return address.split(".").map(Number);
}

/** The eight groups of an IPv6 address that `isIPv6` has accepted. */
function groupsOfIpv6(address: string): number[] {
  const [head = "", tail] = address.split("::");
  const before = groupsOf(head);
  if (tail === undefined) return before;
  const after = groupsOf(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function groupsOf(part: string): number[] {
  return part.split(":").flatMap((group) => {
    if (group === "") return [];
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = bytesOfIpv4(group);
    return [a * 256 + b, c * 256 + d];
  });
}

function bitsOf(numbers: readonly number[], width: number): string {
  return numbers.map((number) => number.toString(2).padStart(width, "0")).join("");
}
