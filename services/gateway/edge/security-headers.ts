import type { TLSSocket } from "node:tls";
import type { Request } from "../../kit/serve/listen.js";
import type { HeaderList } from "./head.js";

/** What an answer says to a browser unless it says something else itself. */
const always: HeaderList = Object.entries({
  "x-content-type-options": "nosniff",
  // Data is shown by no browser, and nothing of it may run.
  "content-security-policy":
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "referrer-policy": "no-referrer",
  "permissions-policy":
    "accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
  // Pages elsewhere read answers by CORS or not at all.
  "cross-origin-resource-policy": "same-origin",
});

/** What security headers depend on. */
export interface SecurityOptions {
  /** Seconds; 0 for no HSTS. */
  readonly hstsSeconds: number;
  readonly proxyHops: number;
}

/** Headers of every answer: those that tell browsers what not to do, and over TLS to insist on it (RFC 6797). */
export function securityHeaders({ hstsSeconds, proxyHops }: SecurityOptions) {
  const secure: HeaderList =
    hstsSeconds > 0 ? [...always, ["strict-transport-security", `max-age=${hstsSeconds}`]] : always;
  return (request: Request): HeaderList => (isSecure(request, proxyHops) ? secure : always);
}

/** Whether the client speaks TLS: to us, or to the proxy of ours that is next to us. */
function isSecure({ socket, headers }: Request, proxyHops: number): boolean {
  if ((socket as Partial<TLSSocket> | undefined)?.encrypted) return true;
  if (proxyHops === 0) return false;
  const forwarded = headers["x-forwarded-proto"];
  const nearest = [forwarded ?? ""].flat().join(",").split(",").at(-1);
  return nearest?.trim().toLowerCase() === "https";
}
