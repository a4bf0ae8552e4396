import { X509Certificate } from "node:crypto";
import { certificateElement } from "../chain/mesh-identity.js";
import type { RenewedKeys } from "./keys.js";

/** Tells who a certificate says its client is, as a mesh would forward it; undefined when it names nobody. */
export type ReadCertificate = (certificate: X509Certificate) => string | undefined;

/**
 * Reads certificates that the TLS handshake has accepted, by the SPIFFE ids of
 * the client and of ourselves. Undefined where either has none, so that only
 * another proof counts.
 */
export function certificateReader(keys: Pick<RenewedKeys, "current">): ReadCertificate {
  return (certificate) => {
    const { cert } = keys.current;
    return cert && certificateElement(spiffeId(new X509Certificate(cert)), spiffeId(certificate));
  };
}

/**
 * The SPIFFE id of a certificate: the URI of the subject's alternative names, when
 * there is exactly one (SPIFFE X.509-SVID, section 2). Empty when it has none.
 */
export function spiffeId({ subjectAltName = "" }: X509Certificate): string {
  const uris = subjectAltName.split(", ").filter((name) => name.startsWith("URI:"));
  return uris.length === 1 ? (uris[0]?.slice("URI:".length) ?? "") : "";
}
