import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { publishAheadMs } from "../../../services/auth/domain/key-rotation.js";
import { toJwk } from "../../../services/auth/domain/signing-keys.js";
import { createSigningRing } from "../../../services/auth/domain/signing-ring.js";
import { createTokenIssuer } from "../../../services/auth/domain/token-issuer.js";
import { signingKeyStore } from "../../../services/auth/store/signing-keys.js";
import { ConfigError } from "../../../services/kit/config.js";
import { createTokenVerifier, type SigningAlgorithm } from "../../../services/kit/tokens.js";
import { ada } from "../../kit/tokens/forge.js";
import { type Auth, eventType, startAuth } from "../support/auth.js";

const minute = 60_000;
const day = 1440 * minute;
const issuer = "https://issuer.example";
let auth: Auth;
beforeAll(async () => {
  auth = await startAuth();
});
afterAll(() => auth.stop());

/** A replica on the same database. */
function replica(algorithm: SigningAlgorithm = "RS256", keyEncryptionKey = Buffer.alloc(32, 7)) {
  const { db, time } = auth;
  const store = signingKeyStore({ db, clock: time.clock });
  const settings = { algorithm, periodMs: 30 * day };
  const ring = createSigningRing({ store, keyEncryptionKey, settings, clock: time.clock });
  const tokens = createTokenIssuer({ key: ring.current, issuer, clock: time.clock, accessLifetime: 900 });
  const signed = async () => decodeProtectedHeader(await tokens.access(ada));
  return { ring, store, tokens, signed };
}

const published = async () => (await replica().store.list()).map(toJwk);

/** A verifier that has known the keys for up to ten minutes. */
function verifier() {
  return createTokenVerifier({
    keys: published,
    issuer,
    kind: "access",
    audience: "consciousness-api",
    clock: auth.time.clock,
  });
}

async function pass(ms: number, ...replicas: ReturnType<typeof replica>[]) {
  auth.time.advance(ms);
  await Promise.all(replicas.map(({ ring }) => ring.tend()));
}

describe("signing keys", () => {
  it("rotate once for all replicas: published ahead, signing together, withdrawn at the end", async () => {
    const [a, b] = [replica(), replica()];
    await Promise.all([a.ring.tend(), b.ring.tend()]);
    const [first, ...others] = await published();
    expect(others).toEqual([]);
    const [old, verify] = [await a.tokens.access(ada), verifier()];
    await verify.verify(old);

    await pass(30 * day - publishAheadMs, a, b);
    const [, second, ...more] = await published();
    expect([second?.kid !== first?.kid, more]).toEqual([true, []]);
    expect([(await a.signed()).kid, (await b.signed()).kid]).toEqual([first?.kid, first?.kid]);

    // Nobody tends: what was published ahead signs by the clock alone.
    auth.time.advance(publishAheadMs - 1);
    const last = await a.tokens.access(ada);
    auth.time.advance(1);
    expect([(await a.signed()).kid, (await b.signed()).kid]).toEqual([second?.kid, second?.kid]);
    await expect(verify.verify(last)).resolves.toMatchObject({ username: "ada" });
    await expect(verify.verify(await b.tokens.access(ada))).resolves.toMatchObject({ username: "ada" });

    await pass(10 * minute, a, b);
    expect((await a.store.list()).map(({ canSign }) => canSign)).toEqual([false, true]);
    expect(await published()).toHaveLength(2);
    await pass(day, a, b);
    expect((await published()).map(({ kid }) => kid)).toEqual([second?.kid]);
    const events = await auth.events("signing_key", first?.kid ?? "");
    expect(events.map(eventType)).toEqual(["SigningKeyPublished", "SigningKeyWithdrawn"]);
  });

  it("may be of P-256, under which verifiers that know both go on", async () => {
    const before = replica();
    await before.ring.tend();
    const after = replica("ES256");
    await after.ring.tend();
    expect((await after.signed()).alg).toBe("RS256");
    await pass(publishAheadMs, after);
    const token = await after.tokens.access(ada);
    expect(decodeProtectedHeader(token).alg).toBe("ES256");
    const { verify } = verifier();
    await expect(verify(token)).resolves.toMatchObject({ username: "ada" });
    const jwk = (await published()).find(({ alg }) => alg === "ES256");
    expect(Object.keys(jwk ?? {}).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x", "y"]);
    await pass(publishAheadMs, before);
    await expect(verify(await before.tokens.access(ada))).resolves.toMatchObject({ username: "ada" });
  });

  it("are refused under another key-encryption key, with ConfigError", async () => {
    await replica().ring.tend();
    await expect(replica("RS256", Buffer.alloc(32, 8)).ring.tend()).rejects.toThrow(ConfigError);
  });
});
