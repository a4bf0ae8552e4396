import type { OutgoingHttpHeaders } from "node:http";
import { remembered } from "./remembered.js";

/** Adds request headers, with commas between them, on which an answer depends to its `Vary`. */
export function addVary(headers: OutgoingHttpHeaders, names: string): void {
  headers.vary = headers.vary === undefined ? names : adding(names)(String(headers.vary));
}

const adding = remembered((names: string) => remembered((vary) => merged(`${vary},${names}`)));

function merged(vary: string): string {
  const names = vary.split(",").map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ""))].join(", ");
}
