import type { SecureClientSessionOptions } from "node:http2";
import type { RenewedKeys } from "./keys.js";

/** TLS of calls to a peer, for `http2.connect()`, which reads the keys at each connection anew. */
export function secureOptions(keys: Pick<RenewedKeys, "current">): SecureClientSessionOptions {
  return {
    minVersion: "TLSv1.3",
    get key() {
      return keys.current.key;
    },
    get cert() {
      return keys.current.cert;
    },
    get ca() {
      return keys.current.ca;
    },
  } as SecureClientSessionOptions;
}
