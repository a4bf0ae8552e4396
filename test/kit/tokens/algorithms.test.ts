import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { errorFacts } from "../../../services/kit/errors.js";
import { createTokenVerifier, defaultTokenIssuer, type Jwk } from "../../../services/kit/tokens.js";
import {
  ada,
  fakeClock,
  goodClaims,
  goodHeader,
  hs256,
  type Pair,
  rs256,
  rsaPair,
  signingInput,
} from "./forge.js";

const rsa = rsaPair("rsa");
const ec = ecPair("ec");

function ecPair(kid: string, namedCurve = "P-256"): Pair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
  const { crv = "", x = "", y = "" } = publicKey.export({ format: "jwk" });
  return { privateKey, publicKey, jwk: { kty: "EC", use: "sig", alg: "ES256", kid, crv, x, y } };
}

function es256(key: KeyObject, header: object, claims: unknown = goodClaims): string {
  const input = signingInput(header, claims);
  const signature = sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
  return `${input}.${signature.toString("base64url")}`;
}

function verifier(keys: readonly Jwk[] = [rsa.jwk, ec.jwk]) {
  const expected = { issuer: defaultTokenIssuer, kind: "access", audience: "consciousness-api" } as const;
  return createTokenVerifier({ ...expected, keys: async () => keys, clock: fakeClock() });
}

async function expectInvalid(attempt: Promise<unknown>) {
  const error = await attempt.then(
    () => expect.unreachable("it was accepted"),
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(ConnectError);
  expect([error.code, errorFacts(error)?.reason]).toEqual([Code.Unauthenticated, "TOKEN_INVALID"]);
}

const rsaHeader = { ...goodHeader, kid: "rsa" };
const ecHeader = { ...goodHeader, alg: "ES256", kid: "ec" };

describe("a token's algorithm", () => {
  it("may be RS256 and ES256, each by its own key", async () => {
    const { verify } = verifier();
    await expect(verify(rs256(rsa.privateKey, rsaHeader))).resolves.toEqual(ada);
    await expect(verify(es256(ec.privateKey, ecHeader))).resolves.toEqual(ada);
  });

  const ecSpki = ec.publicKey.export({ type: "spki", format: "pem" });
  const table: [string, string][] = [
    ["RS256 by the id of the EC key", rs256(rsa.privateKey, { ...rsaHeader, kid: "ec" })],
    ["ES256 by the id of the RSA key", es256(ec.privateKey, { ...ecHeader, kid: "rsa" })],
    ["RS256 over an ES256 signature", es256(ec.privateKey, { ...ecHeader, alg: "RS256" })],
    ["ES256 over an RS256 signature", rs256(rsa.privateKey, { ...rsaHeader, alg: "ES256" })],
    ["HS256 with the EC key as secret", hs256(ecSpki, { ...ecHeader, alg: "HS256" }, goodClaims)],
    ["ES256 over an HMAC", hs256(ecSpki, ecHeader, goodClaims)],
    ["ES384", es256(ec.privateKey, { ...ecHeader, alg: "ES384" })],
    ["PS256", rs256(rsa.privateKey, { ...rsaHeader, alg: "PS256" })],
    ["ES256 with a signature of zeros", `${signingInput(ecHeader, goodClaims)}.${"A".repeat(86)}`],
    ["ES256 with a DER signature", derSigned()],
    ["ES256 by a stranger", es256(ecPair("ec").privateKey, ecHeader)],
  ];

  function derSigned(): string {
    const input = signingInput(ecHeader, goodClaims);
    return `${input}.${sign("sha256", Buffer.from(input), ec.privateKey).toString("base64url")}`;
  }

  it.each(table)("is not %s", async (_, token) => {
    await expectInvalid(verifier().verify(token));
  });

  it.each<[string, Jwk]>([
    ["of another curve", { ...ecPair("ec", "P-384").jwk }],
    ["of another curve that says P-256", { ...ecPair("ec", "P-384").jwk, crv: "P-384" }],
    ["for encryption", { ...ec.jwk, use: "enc" }],
    ["of another algorithm", { ...ec.jwk, alg: "ES384" }],
    ["without its point", { kty: "EC", use: "sig", alg: "ES256", kid: "ec", crv: "P-256" }],
    ["that is symmetric", { ...ec.jwk, kty: "oct", alg: "HS256" }],
  ])("is refused with a published key %s", async (_, jwk) => {
    await expectInvalid(verifier([jwk]).verify(es256(ec.privateKey, ecHeader)));
  });
});

describe("a token that was verified before", () => {
  it("lends its signature to no other token", async () => {
    const { verify } = verifier();
    const token = es256(ec.privateKey, ecHeader);
    await expect(verify(token)).resolves.toEqual(ada);
    const signature = token.split(".")[2];
    const admin = { ...goodClaims, sub: "admin" };
    await expectInvalid(verify(`${signingInput(ecHeader, admin)}.${signature}`));
    await expectInvalid(verify(signature ?? ""));
    await expectInvalid(verify(`x${token}`));
    await expect(verify(token)).resolves.toEqual(ada);
  });

  it("is not kept apart by who sends it as which string", async () => {
    const { verify } = verifier();
    const token = es256(ec.privateKey, ecHeader);
    const first = await verify(token);
    expect(await verify(Buffer.from(token).toString("latin1"))).toBe(first);
    expect(await verify(`Bearer ${token}`.slice(7))).toBe(first);
  });

  it("is not found by an HMAC that ends alike", async () => {
    const { verify } = verifier();
    const token = es256(ec.privateKey, ecHeader);
    await verify(token);
    const end = token.slice(-43);
    const forged = `${signingInput(ecHeader, goodClaims)}.${createHmac("sha256", "x").digest("base64url")}${end}`;
    await expectInvalid(verify(forged));
  });
});
