import type { OutgoingHttpHeaders } from "node:http";

/** Adds request headers on which an answer depends to its `Vary`. */
export function addVary(headers: OutgoingHttpHeaders, ...names: readonly string[]): void {
  const known = String(headers.vary ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== "");
  headers.vary = [...new Set([...known, ...names])].join(", ");
}
