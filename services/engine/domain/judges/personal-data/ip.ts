import { isIPv4, isIPv6 } from "node:net";
import { endOfRun, isAlphanumeric, isDigit } from "../../text/characters.js";
import { type Finding, structureScore } from "./finding.js";

/** Finds IPv4 and IPv6 addresses. Loopback and unspecified addresses name nobody and are left. */
export function findIps(text: string): Finding<"ip">[] {
  const found: Finding<"ip">[] = [];
  for (let at = 0; at < text.length; ) {
    const end = endOfRun(text, at, isAddressUnit);
    const span = end > at ? addressIn(text, at, end) : undefined;
    if (span) found.push({ type: "ip", span, score: structureScore });
    at = Math.max(end, at + 1);
  }
  return found;
}

function addressIn(text: string, from: number, to: number) {
  let end = to;
  while (end > from && (text[end - 1] === "." || (text[end - 1] === ":" && text[end - 2] !== ":"))) end--;
  const run = text.slice(from, end);
  if (isAlphanumeric(text.charCodeAt(from - 1)) || isAlphanumeric(text.charCodeAt(end))) return undefined;
  const host = withoutPort(run);
  const found = (isIPv4(host) && !host.startsWith("127.") && host !== "0.0.0.0") || isPersonalIPv6(host);
  return found ? { start: from, end: from + host.length } : undefined;
}

function withoutPort(run: string): string {
  const parts = run.split(":");
  return parts.length === 2 && isIPv4(parts[0] as string) ? (parts[0] as string) : run;
}

/** Short forms such as `::` and `a::b` are times and code more often than addresses. */
function isPersonalIPv6(host: string): boolean {
  const colons = host.split(":").length - 1;
  return colons >= 3 && host.length >= 8 && isIPv6(host);
}

function isAddressUnit(unit: number): boolean {
  const lower = unit | 32;
  return isDigit(unit) || (lower >= 97 && lower <= 102) || unit === 46 || unit === 58;
}
