import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";

/** Files with keys, all PEM. */
export interface KeyFiles {
  readonly keyFile?: string | undefined;
  /** The certificate with those between it and its authority. */
  readonly certFile?: string | undefined;
  /** Authorities whose certificates are accepted. */
  readonly caFile?: string | undefined;
}

/** What was in the files. */
export interface Keys {
  readonly key?: string;
  readonly cert?: string;
  readonly ca?: string;
}

/** Keys that change with their files. */
export interface RenewedKeys {
  /** Read from the files last. */
  readonly current: Keys;
  /** Calls `apply` whenever the keys have changed. */
  onRenewal(apply: (keys: Keys) => void): void;
  /** Looks at the files now. */
  check(): void;
  stop(): void;
}

/** How files are watched. */
export interface KeyWatch {
  /** Milliseconds between two looks; ten seconds unless given. */
  readonly everyMs?: number;
  /** Told once of each state of the files that is no set of keys; the earlier keys stay. */
  readonly onFailure: (cause: unknown) => void;
}

const usualMs = 10_000;

/** Reads keys. Throws when a file cannot be read, or when key and certificate do not belong together. */
export function readKeys({ keyFile, certFile, caFile }: KeyFiles): Keys {
  const keys: Keys = {
    ...(keyFile && { key: readFileSync(keyFile, "utf8") }),
    ...(certFile && { cert: readFileSync(certFile, "utf8") }),
    ...(caFile && { ca: readFileSync(caFile, "utf8") }),
  };
  createSecureContext(keys);
  return keys;
}

/**
 * Keeps keys as their files have them. Files are looked at again and again, as
 * no notice of a change reaches every kind of mount. A key and a certificate
 * may be replaced one after the other: what does not fit yet is left for later.
 */
export function keepKeys(files: KeyFiles, { everyMs = usualMs, onFailure }: KeyWatch): RenewedKeys {
  const appliers: ((keys: Keys) => void)[] = [];
  let current = readKeys(files);
  let failure = "";
  const check = () => {
    try {
      const read = readKeys(files);
      failure = "";
      if (same(read, current)) return;
      current = read;
      for (const apply of appliers) apply(read);
    } catch (cause) {
      if (String(cause) !== failure) onFailure(cause);
      failure = String(cause);
    }
  };
  const timer = setInterval(check, everyMs).unref();
  return {
    get current() {
      return current;
    },
    onRenewal: (apply) => void appliers.push(apply),
    check,
    stop: () => clearInterval(timer),
  };
}

function same(one: Keys, other: Keys): boolean {
  return one.key === other.key && one.cert === other.cert && one.ca === other.ca;
}
