import type { OutgoingHttpHeaders } from "node:http";
import { remembered } from "./remembered.js";

/** Adds request headers on which an answer depends to its `Vary`. */
export function addVary(headers: OutgoingHttpHeaders, ...names: readonly string[]): void {
  headers.vary = merged(headers.vary === undefined ? names.join() : `${headers.vary},${names}`);
}

const merged = remembered((vary) => {
  const names = vary.split(",").map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ""))].join(", ");
});
