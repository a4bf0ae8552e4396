import { createHmac, generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goodClaims, goodHeader, hs256, rs256, rsaPair, signingInput } from "../../kit/tokens/forge.js";
import { startPlatform, type TestPlatform } from "../../support/platform.js";
import { until } from "../../support/until.js";
import { startStandInAuth } from "./stand-in-auth.js";

const keys = rsaPair("k1");
const stranger = rsaPair("k1");
const seconds = Math.floor(Date.now() / 1000);
const claims = { ...goodClaims, iat: seconds, exp: seconds + 900 };
const good = () => rs256(keys.privateKey, goodHeader, claims);
const withClaims = (changes: object) => rs256(keys.privateKey, goodHeader, { ...claims, ...changes });
const withHeader = (changes: object) => rs256(keys.privateKey, { ...goodHeader, ...changes }, claims);

let auth: Awaited<ReturnType<typeof startStandInAuth>>;
let platform: TestPlatform;

beforeAll(async () => {
  auth = await startStandInAuth([keys.jwk]);
  platform = await startPlatform({
    names: ["gateway"],
    environment: { AUTH_URL: auth.url, PEER_SECRET: "a secret for tests alone, and no more" },
  });
});
afterAll(async () => {
  await platform?.stop();
  auth?.stop();
});

async function use(token: string) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${platform.url}/api/v1/usage`, { headers });
  const challenge = response.headers.get("www-authenticate");
  return { status: response.status, challenge, body: (await response.json()) as { reason?: string } };
}

function es256(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const input = signingInput({ ...goodHeader, alg: "ES256" }, claims);
  return `${input}.${sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const [head = "", body = "", signature = ""] = good().split(".");
const tampered = Buffer.from(JSON.stringify({ ...claims, permissions: ["SYSTEM_ADMIN"] })).toString(
  "base64url",
);
const pem = keys.publicKey.export({ type: "spki", format: "pem" });

const attacks: readonly (readonly [name: string, token: string])[] = [
  ["without an algorithm", `${signingInput({ ...goodHeader, alg: "none" }, claims)}.`],
  ["without a signature", `${head}.${body}.`],
  ["signed with the public key as a secret", hs256(pem, { ...goodHeader, alg: "HS256" }, claims)],
  ["that calls such a signature RS256", hs256(pem, goodHeader, claims)],
  ["of another kind of key", es256()],
  ["signed by a stranger's key of the same id", rs256(stranger.privateKey, goodHeader, claims)],
  ["that brings its own key", rs256(stranger.privateKey, { ...goodHeader, jwk: stranger.jwk }, claims)],
  ["that says where its key is", withHeader({ kid: "k2", jku: "https://example.org/keys" })],
  ["whose key id is a path", withHeader({ kid: "../../../dev/null" })],
  ["whose key id is SQL", withHeader({ kid: "k1' or '1'='1" })],
  ["whose key id is on the prototype", withHeader({ kid: "__proto__" })],
  ["issued in the future", withClaims({ iat: seconds + 3600, exp: seconds + 7200 })],
  ["that begins in the future", withClaims({ nbf: seconds + 3600 })],
  ["for another audience", withClaims({ aud: "engine" })],
  ["of another issuer", withClaims({ iss: "https://example.org" })],
  ["of a workload's own, meant for the inside", withHeader({ typ: "internal+jwt" })],
  ["of a workload, which proves no person", withHeader({ typ: "workload+jwt" })],
  ["with other claims under an old signature", `${head}.${tampered}.${signature}`],
  ["that is longer than any of ours", `${head}.${"A".repeat(8000)}.${signature}`],
  [
    "made with a guessed secret",
    `${head}.${body}.${createHmac("sha256", "secret").update(`${head}.${body}`).digest("base64url")}`,
  ],
];

describe("a token", () => {
  it("of the gateway's own issuer, signed and in time, is accepted", async () => {
    expect((await use(good())).status).toBe(200);
  });

  it.each(attacks)("%s is refused with TOKEN_INVALID, and the challenge says so", async (_, token) => {
    const { status, challenge, body: problem } = await use(token);
    expect([status, problem.reason]).toEqual([401, "TOKEN_INVALID"]);
    expect(challenge).toContain('error="invalid_token"');
    expect(JSON.stringify(problem)).not.toContain(token.slice(0, 40));
  });

  it("that has expired is refused with TOKEN_EXPIRED", async () => {
    const expired = withClaims({ iat: seconds - 1000, exp: seconds - 1 });
    const { status, body: problem } = await use(expired);
    expect([status, problem.reason]).toEqual([401, "TOKEN_EXPIRED"]);
  });

  it("that was refused is in the audit record, as often as it came", async () => {
    const refused = () =>
      auth.events
        .filter(({ reason }) => reason === "TOKEN_INVALID" || reason === "TOKEN_EXPIRED")
        .reduce((sum, { count }) => sum + Math.max(1, count), 0);
    await until(async () => refused() === attacks.length + 1);
    expect(
      JSON.stringify(auth.events, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
    ).not.toContain(head);
  });
});
