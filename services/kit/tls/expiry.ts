import { X509Certificate } from "node:crypto";
import type { Metrics } from "../metrics.js";
import type { RenewedKeys } from "./keys.js";

const certificates = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * When the first of the certificates in a PEM text ends, in seconds of the
 * epoch: a chain is of no use once one of its links is. Undefined without one.
 */
export function certificateExpiry(pem: string): number | undefined {
  const ends = (pem.match(certificates) ?? []).map((one) => Date.parse(new X509Certificate(one).validTo));
  return ends.length === 0 ? undefined : Math.min(...ends) / 1000;
}

/** Shows when the certificate of these keys ends, and of those that replace them. */
export function showExpiry(
  keys: Pick<RenewedKeys, "current" | "onRenewal">,
  use: "port" | "peers",
  metrics: Pick<Metrics, "certificateExpiry">,
): void {
  const show = ({ cert }: RenewedKeys["current"]) => {
    const expiry = cert === undefined ? undefined : certificateExpiry(cert);
    if (expiry !== undefined) metrics.certificateExpiry.set(expiry, { use });
  };
  show(keys.current);
  keys.onRenewal(show);
}
