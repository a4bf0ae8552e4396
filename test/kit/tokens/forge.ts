import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../../services/kit/context.js";
import {
  accessAudience,
  defaultTokenIssuer,
  type Jwk,
  principalClaims,
} from "../../../services/kit/tokens.js";

/** Epoch second at which the tests happen. */
export const now = 1_800_000_000;

export const ada: Principal = {
  tenant: "t1",
  home: "t1",
  subject: "u1",
  kind: "user",
  username: "ada",
  roles: [Role.USER],
  permissions: new Set([Permission.AGENT_READ]),
  tier: Tier.BASIC,
  session: "s1",
  apiKey: "",
  epoch: 0,
};

export interface Pair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly jwk: Jwk;
}

export function rsaPair(kid: string, modulusLength = 2048): Pair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  return { privateKey, publicKey, jwk: { kty: "RSA", use: "sig", alg: "RS256", kid, n, e } };
}

export const goodHeader = { alg: "RS256", typ: "at+jwt", kid: "k1" };
export const goodClaims = {
  ...principalClaims(ada),
  iss: defaultTokenIssuer,
  aud: accessAudience,
  iat: now,
  exp: now + 900,
  jti: "j1",
};

/** Joins header and claims as they are given, however wrong, without a library that would object. */
export function signingInput(header: object, claims: unknown): string {
  return [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
}

export function rs256(key: KeyObject, header: object = goodHeader, claims: unknown = goodClaims): string {
  const input = signingInput(header, claims);
  return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
}

export function hs256(secret: string | Buffer, header: object, claims: unknown): string {
  const input = signingInput(header, claims);
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

export function fakeClock(seconds = now) {
  let at = seconds * 1000;
  return {
    now: () => at,
    monotonic: () => at,
    advance: (ms: number) => {
      at += ms;
    },
  };
}
