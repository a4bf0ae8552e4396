import { type CryptoKey, importJWK } from "jose";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";

/** A public RSA key as `GetJwks` answers it. */
export interface Jwk {
  readonly kty: string;
  readonly use: string;
  readonly alg: string;
  readonly kid: string;
  readonly n: string;
  readonly e: string;
}

/** How long fetched keys are trusted without asking again, so that a withdrawn key stops being one. */
const maximumAgeMs = 10 * 60_000;
/** Time between two fetches, whatever tokens arrive. */
const fetchIntervalMs = 10_000;
/** The same after a fetch that failed. */
const retryIntervalMs = 1_000;

/** Finds the key that a token's header names. */
export interface KeyRing {
  /**
   * The key, or undefined when there is none of that id. Throws
   * DEPENDENCY_UNAVAILABLE when that cannot be known, as auth does not answer.
   */
  find(kid: string): Promise<CryptoKey | undefined>;
}

/**
 * A key ring over what auth publishes. It fetches when a key is unknown or the
 * ring is old, one fetch at a time and at most one in 10 s, so that a flood of
 * invented key ids costs auth nothing. When auth does not answer, keys that
 * are known go on working.
 */
export function createKeyRing({
  keys,
  clock,
}: {
  keys: () => Promise<readonly Jwk[]>;
  clock: Clock;
}): KeyRing {
  let ring: ReadonlyMap<string, CryptoKey> = new Map();
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let nextFetchAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let fetching: Promise<void> | undefined;

  const fetch = async (): Promise<void> => {
    try {
      ring = await importAll(await keys());
      fetchedAt = clock.monotonic();
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    nextFetchAt = clock.monotonic() + (failure === undefined ? fetchIntervalMs : retryIntervalMs);
    fetching = undefined;
  };

  return {
    async find(kid) {
      const current = clock.monotonic() - fetchedAt < maximumAgeMs;
      if (!(current && ring.has(kid)) && (fetching || clock.monotonic() >= nextFetchAt)) {
        fetching ??= fetch();
        await fetching;
      }
      const key = ring.get(kid);
      if (!key && failure !== undefined) throw errors.dependencyUnavailable({ dependency: "auth" }, failure);
      return key;
    },
  };
}

async function importAll(keys: readonly Jwk[]): Promise<ReadonlyMap<string, CryptoKey>> {
  const usable = keys.filter(
    ({ kty, use, alg, kid }) => kty === "RSA" && use === "sig" && alg === "RS256" && kid !== "",
  );
  const entries = usable.map(async ({ kid, n, e }): Promise<[string, CryptoKey]> => {
    const key = await importJWK({ kty: "RSA", n, e }, "RS256");
    return [kid, key as CryptoKey];
  });
  return new Map(await Promise.all(entries));
}
