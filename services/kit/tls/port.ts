import type { TlsOptions } from "../serve/listen.js";
import { certificateReader } from "./client-certificate.js";
import type { PortTls } from "./config.js";
import type { RenewedKeys } from "./keys.js";

/** The keys of a port, and how it speaks TLS with them. */
export interface PortKeys extends PortTls {
  readonly keys: RenewedKeys;
}

/** TLS of a listener. Where there are authorities, nobody without a certificate of theirs gets past the handshake. */
export function listenTls({ keys, minVersion }: PortKeys): TlsOptions {
  const { key = "", cert = "", ca } = keys.current;
  const { onRenewal } = keys;
  const clients = { ca, requestClientCert: true, readCertificate: certificateReader(keys) };
  return { key, cert, minVersion, onRenewal, ...(ca !== undefined && { ...clients, ca }) };
}
