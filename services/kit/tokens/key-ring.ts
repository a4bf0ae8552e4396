import { type CryptoKey, importJWK } from "jose";
import type { Clock } from "../clock.js";
import { errors } from "../errors.js";

/** What tokens are signed with: RSA of 2048 bits or more, or the curve P-256, both with SHA-256. */
export const signingAlgorithms = ["RS256", "ES256"] as const;

/** One of them. */
export type SigningAlgorithm = (typeof signingAlgorithms)[number];

/** A public key as `GetJwks` answers it. */
export interface Jwk {
  readonly kty: string;
  readonly use: string;
  readonly alg: string;
  readonly kid: string;
  readonly n?: string;
  readonly e?: string;
  readonly crv?: string;
  readonly x?: string;
  readonly y?: string;
}

/** A public key and the one algorithm that it is for. */
export interface VerifyingKey {
  readonly alg: SigningAlgorithm;
  readonly key: CryptoKey;
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
  find(kid: string): Promise<VerifyingKey | undefined>;
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
  let ring: ReadonlyMap<string, VerifyingKey> = new Map();
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

async function importAll(keys: readonly Jwk[]): Promise<ReadonlyMap<string, VerifyingKey>> {
  const usable = keys.filter(({ use, kid }) => use === "sig" && kid !== "");
  const entries = usable.map(async (jwk) => [jwk.kid, await importKey(jwk)] as const);
  return new Map(
    (await Promise.all(entries)).filter((entry): entry is [string, VerifyingKey] => entry[1] !== undefined),
  );
}

/** Undefined for a key that is for nothing of ours. */
async function importKey({ kty, alg, n, e, crv, x, y }: Jwk): Promise<VerifyingKey | undefined> {
  if (kty === "RSA" && alg === "RS256" && n && e) {
    return { alg, key: (await importJWK({ kty, n, e }, alg)) as CryptoKey };
  }
  if (kty === "EC" && alg === "ES256" && crv === "P-256" && x && y) {
    return { alg, key: (await importJWK({ kty, crv, x, y }, alg)) as CryptoKey };
  }
  return undefined;
}
