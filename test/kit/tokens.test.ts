import { generateKeyPairSync, sign } from "node:crypto";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { RoleSchema, TierSchema } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { PermissionSchema } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../services/kit/context.js";
import { errorFacts } from "../../services/kit/errors.js";
import { principalFromClaims } from "../../services/kit/tokens/claims.js";
import {
  createTokenVerifier,
  defaultTokenIssuer,
  principalClaims,
  type TokenKind,
} from "../../services/kit/tokens.js";
import {
  ada,
  fakeClock,
  goodClaims,
  goodHeader,
  hs256,
  now,
  rs256,
  rsaPair,
  signingInput,
} from "./tokens/forge.js";

const k1 = rsaPair("k1");
const stranger = rsaPair("k1");

function verifier(
  options: { clock?: ReturnType<typeof fakeClock>; kind?: TokenKind; audience?: string } = {},
) {
  const keys = vi.fn(async () => [k1.jwk]);
  const clock = options.clock ?? fakeClock();
  const { verify, recall } = createTokenVerifier({
    keys,
    issuer: defaultTokenIssuer,
    kind: options.kind ?? "access",
    audience: options.audience ?? "consciousness-api",
    clock,
  });
  return { verify, recall, keys, clock };
}

async function refusal(attempt: Promise<unknown>) {
  const error = await attempt.then(
    () => expect.unreachable("it was accepted"),
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return { code: error.code as Code, reason: errorFacts(error)?.reason, error: error as ConnectError };
}

async function expectInvalid(token: string, options?: Parameters<typeof verifier>[0]) {
  const { code, reason, error } = await refusal(verifier(options).verify(token));
  expect({ code, reason }).toEqual({ code: Code.Unauthenticated, reason: "TOKEN_INVALID" });
  return error;
}

const without = (claim: string) =>
  Object.fromEntries(Object.entries(goodClaims).filter(([name]) => name !== claim));

describe("access tokens", () => {
  it("stand for their principal", async () => {
    expect(await verifier().verify(rs256(k1.privateKey))).toEqual(ada);
  });

  it("are refused from the second of their expiry on, with TOKEN_EXPIRED", async () => {
    const { verify, clock } = verifier();
    const token = rs256(k1.privateKey);
    clock.advance(899_999);
    await expect(verify(token)).resolves.toEqual(ada);
    clock.advance(1);
    const { code, reason } = await refusal(verify(token));
    expect({ code, reason }).toEqual({ code: Code.Unauthenticated, reason: "TOKEN_EXPIRED" });
    expect((await refusal(verifier({ clock }).verify(token))).reason).toBe("TOKEN_EXPIRED");
    clock.advance(60_000);
    expect((await refusal(verifier({ clock }).verify(token))).reason).toBe("TOKEN_EXPIRED");
  });

  it("may come from a clock 5 s ahead, not from one further ahead", async () => {
    const issuedAt = (iat: number) => rs256(k1.privateKey, goodHeader, { ...goodClaims, iat });
    await expect(verifier().verify(issuedAt(now + 5))).resolves.toEqual(ada);
    await expectInvalid(issuedAt(now + 6));
  });

  it("may start 5 s from now, not later", async () => {
    const startingAt = (nbf: number) => rs256(k1.privateKey, goodHeader, { ...goodClaims, nbf });
    await expect(verifier().verify(startingAt(now + 5))).resolves.toEqual(ada);
    await expectInvalid(startingAt(now + 6));
  });

  it("keep a machine a machine, which has no session", async () => {
    const machine = { ...without("sid"), kind: "machine" };
    expect(await verifier().verify(rs256(k1.privateKey, goodHeader, machine))).toMatchObject({
      kind: "machine",
      session: "",
    });
  });
});

describe("internal tokens", () => {
  const internal = rs256(
    k1.privateKey,
    { ...goodHeader, typ: "internal+jwt" },
    { ...goodClaims, aud: "engine" },
  );

  it("are accepted by the workload that they are for", async () => {
    expect(await verifier({ kind: "internal", audience: "engine" }).verify(internal)).toEqual(ada);
  });

  it("are refused by any other workload and by the edge", async () => {
    await expectInvalid(internal, { kind: "internal", audience: "agents" });
    await expectInvalid(internal);
    await expectInvalid(rs256(k1.privateKey), { kind: "internal", audience: "engine" });
  });
});

describe("an attacker's token", () => {
  const spki = k1.publicKey.export({ type: "spki", format: "pem" });
  const der = k1.publicKey.export({ type: "spki", format: "der" });
  const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [head = "", body = "", signature = ""] = rs256(k1.privateKey).split(".");
  const es256 = () => {
    const input = signingInput({ ...goodHeader, alg: "ES256" }, goodClaims);
    const dsa = sign("sha256", Buffer.from(input), { key: ec.privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${dsa.toString("base64url")}`;
  };
  const rs512 = () => {
    const input = signingInput({ ...goodHeader, alg: "RS512" }, goodClaims);
    return `${input}.${sign("sha512", Buffer.from(input), k1.privateKey).toString("base64url")}`;
  };
  const header = (changes: object) => rs256(k1.privateKey, { ...goodHeader, ...changes });
  const claims = (changes: object) => rs256(k1.privateKey, goodHeader, { ...goodClaims, ...changes });
  const tampered = Buffer.from(JSON.stringify({ ...goodClaims, sub: "admin" })).toString("base64url");

  const table: [string, string][] = [
    ["with alg none", `${signingInput({ ...goodHeader, alg: "none" }, goodClaims)}.`],
    ["with alg NoNe", `${signingInput({ ...goodHeader, alg: "NoNe" }, goodClaims)}.`],
    ["without a signature", `${head}.${body}.`],
    [
      "signed with the public key as HMAC secret (PEM)",
      hs256(spki, { ...goodHeader, alg: "HS256" }, goodClaims),
    ],
    [
      "signed with the public key as HMAC secret (DER)",
      hs256(der, { ...goodHeader, alg: "HS256" }, goodClaims),
    ],
    ["that says RS256 over an HMAC", hs256(spki, goodHeader, goodClaims)],
    ["of another algorithm with the right key", rs512()],
    ["of an elliptic curve", es256()],
    ["signed by a stranger's key of the same id", rs256(stranger.privateKey)],
    ["of an unknown key id", header({ kid: "k2" })],
    ["of no key id", header({ kid: undefined })],
    ["of a key id that is no text", header({ kid: ["k1"] })],
    ["of a key id that is a path", header({ kid: "../../../dev/null" })],
    ["of a key id that is SQL", header({ kid: "k1' OR '1'='1" })],
    ["of a key id on the prototype", header({ kid: "__proto__" })],
    ["that brings its own key", rs256(stranger.privateKey, { ...goodHeader, jwk: stranger.jwk })],
    [
      "that says where its key is",
      rs256(stranger.privateKey, { ...goodHeader, jku: "https://example.org/jwks" }),
    ],
    ["with a critical extension", header({ crit: ["x"], x: 1 })],
    ["without a type", header({ typ: undefined })],
    ["of the plain type", header({ typ: "JWT" })],
    ["of the internal type", header({ typ: "internal+jwt" })],
    ["for another audience", claims({ aud: "engine" })],
    ["of another issuer", claims({ iss: "https://consciousness.ai/auth/" })],
    ["with another subject under an old signature", `${head}.${tampered}.${signature}`],
    ["with a character of its signature changed", `${head}.${body}.${signature.slice(0, -8)}AAAAAAAA`],
    ["that is issued in the future", claims({ iat: now + 3600 })],
    ["that starts in the future", claims({ nbf: now + 3600 })],
    ["whose expiry is a text", claims({ exp: "never" })],
    ["whose roles are a text", claims({ roles: "SUPER_ADMIN" })],
    ["whose permissions are numbers", claims({ permissions: [1, 2] })],
    ["whose session is an object", claims({ sid: {} })],
    ["of an unknown tier", claims({ consciousness_tier: "ROOT" })],
    ["of an unknown kind", claims({ kind: "god" })],
    ["of a machine with a session", claims({ kind: "machine" })],
    ["of a user with both a session and a key", claims({ api_key: "k" })],
    ["of a workload with a key", claims({ kind: "workload", sid: "", api_key: "k" })],
    ["whose epoch is no count", claims({ epoch: -1 })],
    ["whose scope is a list", claims({ scope: ["*"] })],
    ["of an empty subject", claims({ sub: "" })],
    ["whose payload is no object", rs256(k1.privateKey, goodHeader, ["sub"])],
    ["of two parts", `${head}.${body}`],
    ["of four parts", `${head}.${body}.${signature}.x`],
    ["that is empty", ""],
    ["that is no base64url", "?.?.?"],
    ["of unicode", "𝓪.𝓫.𝓬"],
    ["that is oversized", `${head}.${"A".repeat(9000)}.${signature}`],
  ];

  it.each(table)("%s is refused with TOKEN_INVALID", async (_, token) => {
    const error = await expectInvalid(token);
    if (token) expect(`${error.message}${error.cause}`).not.toContain(token);
  });

  it.each(Object.keys(goodClaims))("without the claim %s is refused with TOKEN_INVALID", async (claim) => {
    await expectInvalid(rs256(k1.privateKey, goodHeader, without(claim)));
  });

  it("leaves none of its claims in the error's cause", async () => {
    const error = await expectInvalid(claims({ aud: "engine", username: "secret-name" }));
    expect(JSON.stringify(error.cause, Object.getOwnPropertyNames(error.cause))).not.toContain("secret-name");
    expect((error.cause as Error).cause).toBeUndefined();
  });

  it("of whatever text is refused with TOKEN_INVALID", async () => {
    const { verify } = verifier();
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 200 }), async (token) => {
        expect((await refusal(verify(token))).reason).toBe("TOKEN_INVALID");
      }),
    );
  });
});

describe("the verifier's keys", () => {
  const k2 = rsaPair("k2");
  const ofK2 = rs256(k2.privateKey, { ...goodHeader, kid: "k2" });

  it("are fetched once for many tokens at once", async () => {
    const { verify, keys } = verifier();
    const tokens = Array.from({ length: 50 }, (_, i) =>
      rs256(k1.privateKey, goodHeader, { ...goodClaims, jti: `j${i}` }),
    );
    await Promise.all(tokens.map(verify));
    expect(keys).toHaveBeenCalledTimes(1);
  });

  it("are fetched again for an unknown key id, at most once in 10 s", async () => {
    const { verify, keys, clock } = verifier();
    await verify(rs256(k1.privateKey));
    const flood = () =>
      Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          refusal(verify(rs256(k2.privateKey, { ...goodHeader, kid: `x${i}` }))),
        ),
      );
    await flood();
    expect(keys).toHaveBeenCalledTimes(1);
    clock.advance(10_000);
    await flood();
    expect(keys).toHaveBeenCalledTimes(2);
    keys.mockResolvedValue([k2.jwk, k1.jwk]);
    clock.advance(10_000);
    await expect(verify(ofK2)).resolves.toEqual(ada);
    expect(keys).toHaveBeenCalledTimes(3);
  });

  it("stop being trusted within ten minutes of their withdrawal", async () => {
    const { verify, keys, clock } = verifier();
    await verify(rs256(k1.privateKey));
    keys.mockResolvedValue([k2.jwk]);
    clock.advance(10 * 60_000);
    const later = { ...goodClaims, iat: now + 600, exp: now + 1500 };
    expect((await refusal(verify(rs256(k1.privateKey, goodHeader, later)))).reason).toBe("TOKEN_INVALID");
  });

  it("go on working when auth does not answer, while unknown ones cannot be judged", async () => {
    const { verify, keys, clock } = verifier();
    await verify(rs256(k1.privateKey));
    keys.mockRejectedValue(new Error("connection refused"));
    clock.advance(10 * 60_000);
    const later = { ...goodClaims, iat: now + 600, exp: now + 1500 };
    await expect(verify(rs256(k1.privateKey, goodHeader, later))).resolves.toEqual(ada);
    const { code, reason } = await refusal(verify(ofK2));
    expect({ code, reason }).toEqual({ code: Code.Unavailable, reason: "DEPENDENCY_UNAVAILABLE" });
    expect(keys).toHaveBeenCalledTimes(2);
    keys.mockResolvedValue([k2.jwk]);
    clock.advance(1_000);
    await expect(verify(rs256(k2.privateKey, { ...goodHeader, kid: "k2" }, later))).resolves.toEqual(ada);
  });

  it("are only those for RS256 signatures", async () => {
    const { verify, keys } = verifier();
    keys.mockResolvedValue([
      { ...k1.jwk, use: "enc" },
      { ...k1.jwk, alg: "RS512" },
      { ...k1.jwk, kty: "oct" },
    ]);
    expect((await refusal(verify(rs256(k1.privateKey)))).reason).toBe("TOKEN_INVALID");
  });

  it("have 2048 bits or more", async () => {
    const weak = rsaPair("k1", 1024);
    const { verify, keys } = verifier();
    keys.mockResolvedValue([weak.jwk]);
    expect((await refusal(verify(rs256(weak.privateKey)))).reason).toBe("TOKEN_INVALID");
  });
});

describe("a verified token", () => {
  it("is not verified twice", async () => {
    const { verify } = verifier();
    const token = rs256(k1.privateKey);
    expect(await verify(token)).toBe(await verify(token));
  });

  it("is recalled at once until it expires, and no other that ends like it", async () => {
    const { verify, recall, clock } = verifier();
    const token = rs256(k1.privateKey);
    expect(recall(token)).toBeUndefined();
    const principal = await verify(token);
    expect(recall(token)).toBe(principal);
    expect(recall(`x${token}`)).toBeUndefined();
    clock.advance(900_000);
    expect((await refusal((async () => recall(token))())).reason).toBe("TOKEN_EXPIRED");
    expect(recall(token)).toBeUndefined();
  });

  it("is refused with a character in it that a decoder would pass over", async () => {
    const [head, body, signature = ""] = rs256(k1.privateKey).split(".");
    for (const odd of ["\t", "\n", " ", "\u00a0"]) {
      await expectInvalid(`${head}.${body}.${signature.slice(0, 9)}${odd}${signature.slice(9)}`);
    }
  });

  it("gives a principal that nobody can change", async () => {
    expect(Object.isFrozen(await verifier().verify(rs256(k1.privateKey)))).toBe(true);
  });
});

describe("claims", () => {
  const numbers = (desc: { values: readonly { number: number }[] }) =>
    desc.values.map(({ number }) => number).filter((number) => number !== 0);
  const text = fc.string({ minLength: 1 });
  const none = fc.constant("");
  const identity = {
    tenant: text,
    home: text,
    subject: text,
    username: text,
    epoch: fc.nat(),
    roles: fc.uniqueArray(fc.constantFrom(...numbers(RoleSchema))),
    permissions: fc
      .uniqueArray(fc.constantFrom(...numbers(PermissionSchema)))
      .map((values) => new Set(values)),
    tier: fc.constantFrom(...numbers(TierSchema)),
  };
  const principals = fc.oneof(
    fc.record({ ...identity, kind: fc.constant("user" as const), session: text, apiKey: none }),
    fc.record({ ...identity, kind: fc.constant("user" as const), session: none, apiKey: text }),
    fc.record({ ...identity, kind: fc.constant("machine" as const), session: none, apiKey: fc.string() }),
    fc.record({ ...identity, kind: fc.constant("workload" as const), session: none, apiKey: none }),
  );

  it("give back the principal that they were made of", () => {
    fc.assert(
      fc.property(principals, (principal: Principal) => {
        const wire = JSON.parse(JSON.stringify(principalClaims(principal)));
        expect(principalFromClaims(wire)).toEqual(principal);
      }),
    );
  });

  it("name enum values without their prefix", () => {
    expect(principalClaims(ada)).toMatchObject({
      roles: ["USER"],
      permissions: ["AGENT_READ"],
      consciousness_tier: "BASIC",
    });
  });

  it("that this build does not know grant nothing", () => {
    const claims = { ...principalClaims(ada), permissions: ["AGENT_READ", "TIME_TRAVEL"], roles: ["WIZARD"] };
    expect(principalFromClaims(claims)).toMatchObject({ roles: [], permissions: ada.permissions });
  });
});
