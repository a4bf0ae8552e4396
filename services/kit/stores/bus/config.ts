import { type ConfigSource, integer, optionalText } from "../../config.js";
import { readSecret } from "../../secret.js";
import type { NatsBusOptions } from "./nats.js";

const dayMs = 86_400_000;
const schemes = ["nats:", "tls:"];

/**
 * Reads where NATS is; problems stay in the source. NATS_URL, or NATS_URL_FILE,
 * lists servers with commas between. Undefined for the bus within the process.
 */
export function busConfig(source: ConfigSource): NatsBusOptions | undefined {
  const given = readSecret(source, "NATS_URL");
  const values = source.read({
    NATS_CREDENTIALS_FILE: optionalText(),
    NATS_TLS_CA_FILE: optionalText(),
    NATS_TLS_CERT_FILE: optionalText(),
    NATS_TLS_KEY_FILE: optionalText(),
    NATS_REPLICAS: integer(1, 5, { fallback: 1 }),
    NATS_RETENTION_DAYS: integer(1, 365, { fallback: 14 }),
  });
  if (given === undefined) return undefined;
  const servers = given.split(",").map((server) => server.trim());
  if (!servers.every((server) => URL.canParse(server) && schemes.includes(new URL(server).protocol))) {
    const expected = "URLs such as nats://nats:4222 or tls://nats:4222, with commas between";
    source.refuse({ name: "NATS_URL", value: "(hidden)", expected });
  }
  return {
    servers: servers.filter((server) => URL.canParse(server)),
    credentialsFile: values.NATS_CREDENTIALS_FILE,
    caFile: values.NATS_TLS_CA_FILE,
    certFile: values.NATS_TLS_CERT_FILE,
    keyFile: values.NATS_TLS_KEY_FILE,
    replicas: values.NATS_REPLICAS,
    retentionMs: values.NATS_RETENTION_DAYS * dayMs,
  };
}
