import { type ConfigSource, oneOf, optionalText } from "../config.js";
import { type KeyFiles, readKeys } from "./keys.js";

/** How ports speak TLS, and calls to other processes. */
export interface TlsConfig {
  /** Undefined for clear text. */
  readonly port: PortTls | undefined;
  /** Undefined for the system's authorities and no certificate of our own. */
  readonly peers: KeyFiles | undefined;
}

/** How a port speaks TLS. With authorities, clients need a certificate of theirs. */
export interface PortTls {
  readonly files: KeyFiles;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

const readable = "a readable PEM file";
const pemStart = "-----BEGIN ";

/** Reads where the keys are, and tries them; problems stay in the source. */
export function tlsConfig(source: ConfigSource): TlsConfig {
  const values = source.read({
    TLS_KEY_FILE: optionalText(),
    TLS_CERT_FILE: optionalText(),
    TLS_CLIENT_CA_FILE: optionalText(),
    TLS_MIN_VERSION: oneOf(["1.2", "1.3"], { fallback: "1.3" }),
    PEER_TLS_KEY_FILE: optionalText(),
    PEER_TLS_CERT_FILE: optionalText(),
    PEER_TLS_CA_FILE: optionalText(),
  });
  const port = { TLS_KEY_FILE: values.TLS_KEY_FILE, TLS_CERT_FILE: values.TLS_CERT_FILE };
  const clients = { TLS_CLIENT_CA_FILE: values.TLS_CLIENT_CA_FILE };
  const own = { PEER_TLS_KEY_FILE: values.PEER_TLS_KEY_FILE, PEER_TLS_CERT_FILE: values.PEER_TLS_CERT_FILE };
  const servers = { PEER_TLS_CA_FILE: values.PEER_TLS_CA_FILE };
  const minVersion = values.TLS_MIN_VERSION === "1.2" ? "TLSv1.2" : "TLSv1.3";
  // Authorities for clients without keys for ourselves would ask nobody for anything.
  const portFiles = keyFiles(
    source,
    given(clients) ? { ...port, ...clients } : port,
    given(port) || given(clients),
  );
  return {
    port: portFiles && { files: portFiles, minVersion },
    peers: keyFiles(
      source,
      { ...(given(own) && own), ...(given(servers) && servers) },
      given(own) || given(servers),
    ),
  };
}

type Settings = Readonly<Record<string, string | undefined>>;

function given(settings: Settings): boolean {
  return Object.values(settings).some((file) => file !== undefined);
}

/** The files of a key, a certificate and authorities, by the names of their settings; each one given must hold PEM. */
function keyFiles(source: ConfigSource, settings: Settings, wanted: boolean): KeyFiles | undefined {
  if (!wanted) return undefined;
  const broken = Object.entries(settings).filter(([, file]) => !holdsPem(file));
  for (const [name, file = ""] of broken) source.refuse({ name, value: file, expected: readable });
  const named = (part: string) =>
    Object.entries(settings).find(([name]) => name.endsWith(`_${part}_FILE`))?.[1];
  const files = { keyFile: named("KEY"), certFile: named("CERT"), caFile: named("CA") };
  if (broken.length === 0 && !fits(files)) {
    const name = Object.keys(settings).find((setting) => setting.endsWith("_CERT_FILE")) ?? "";
    source.refuse({ name, value: files.certFile ?? "", expected: "the certificate of the key beside it" });
  }
  return files;
}

function holdsPem(file: string | undefined): boolean {
  try {
    return Object.values(readKeys({ caFile: file })).some((content) => content.includes(pemStart));
  } catch {
    return false;
  }
}

function fits(files: KeyFiles): boolean {
  try {
    readKeys(files);
    return true;
  } catch {
    return false;
  }
}
