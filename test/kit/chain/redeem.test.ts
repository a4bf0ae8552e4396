import { Code } from "@connectrpc/connect";
import { describe, expect, it } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { authenticate, type VerifyCredential } from "../../../services/kit/chain/authenticate.js";
import { redeemApiKeys, redeemCertificates } from "../../../services/kit/chain/redeem.js";
import { requireSession } from "../../../services/kit/chain/require-session.js";
import { callOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { memoryLimits } from "../../../services/kit/stores/limits/memory.js";
import { createRedeemer } from "../../../services/kit/tokens/redeemer.js";
import { ada } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, pass, requestOf } from "./calls.js";

const key = `cek_abcdefgh_${"k".repeat(43)}`;
const identity = "spiffe://example.org/ns/jobs/sa/export";

function setUp() {
  const clock = { now: () => 0, monotonic: () => 0 };
  const redeemer = () => createRedeemer({ limits: memoryLimits({ clock }), limit: 100, clock });
  const revoked = new Set<string>();
  const ended = new Set<string>();
  let made = 0;
  const redeem = (known: string, error: () => Error) => async (credential: string) => {
    if (credential !== known || ended.has(credential)) throw error();
    made += 1;
    return { token: `token-${made}`, expiresIn: 60 };
  };
  const verify: VerifyCredential = async (token) => {
    if (revoked.has(token)) throw errors.tokenRevoked();
    if (!token.startsWith("token-")) throw errors.tokenInvalid();
    return ada;
  };
  const layers = [
    redeemApiKeys({ redeemer: redeemer(), redeem: redeem(key, () => errors.apiKeyInvalid()) }),
    redeemCertificates({
      redeemer: redeemer(),
      redeem: redeem(identity, () => errors.serviceAccountNotFound({ id: "" })),
    }),
    authenticate(verify),
  ];
  const credentialOf = async (init: Parameters<typeof requestOf>[1]) => {
    let credential: string | undefined;
    await pass(layers, requestOf(getAgent, init), ({ contextValues }) => {
      credential = callOf({ values: contextValues }).credential;
      return {};
    });
    return credential;
  };
  const invalid = (header: Record<string, string>) =>
    expectRefusal(credentialOf({ header }), Code.Unauthenticated, "API_KEY_INVALID");
  return { layers, credentialOf, invalid, revoked, ended };
}

describe("an API key", () => {
  it.each<Record<string, string>>([
    { authorization: `Bearer ${key}` },
    { authorization: `bearer ${key}` },
    { "x-api-key": key },
  ])("goes on as the token that auth gives for it: %j", async (header) => {
    expect(await setUp().credentialOf({ header })).toBe("token-1");
  });

  it("leaves a token alone", async () => {
    expect(await setUp().credentialOf({ header: { authorization: "Bearer token-x" } })).toBe("token-x");
  });

  it("is refused beside another credential, whichever holds", async () => {
    for (const authorization of [`Bearer ${key}`, "Bearer token-x", "Basic x", ""]) {
      const attempt = setUp().credentialOf({ header: { authorization, "x-api-key": key } });
      await expectRefusal(attempt, Code.InvalidArgument, "CREDENTIALS_AMBIGUOUS");
    }
  });

  it.each(["cek_", "cek_short", `${key}x`, "token-x", "", `cek_abcdefgh_${"x".repeat(43)}`])(
    "is refused as %j, with API_KEY_INVALID",
    async (given) => {
      const { invalid } = setUp();
      await invalid({ "x-api-key": given });
      if (given.startsWith("cek_")) await invalid({ authorization: `Bearer ${given}` });
    },
  );

  it("gets a new token where its token was revoked, as what the account may do has changed", async () => {
    const { credentialOf, revoked } = setUp();
    const header = { "x-api-key": key };
    await credentialOf({ header });
    revoked.add("token-1");
    expect(await credentialOf({ header })).toBe("token-2");
  });

  it("is refused where the key was revoked, with API_KEY_INVALID", async () => {
    const { credentialOf, invalid, revoked, ended } = setUp();
    await credentialOf({ header: { "x-api-key": key } });
    revoked.add("token-1");
    ended.add(key);
    await invalid({ "x-api-key": key });
  });

  it("is not looked for on public methods", () => {
    const { layers } = setUp();
    expect(layers.map((layer) => layer(contractOf(AuthService.method.login)))).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("a client certificate", () => {
  const arrival = { clientIdentity: identity };

  it("stands for its service account where there is no other credential", async () => {
    expect(await setUp().credentialOf({ arrival })).toBe("token-1");
  });

  it("has no say beside another credential", async () => {
    const { credentialOf, ended } = setUp();
    expect(await credentialOf({ arrival, header: { authorization: "Bearer token-x" } })).toBe("token-x");
    ended.add(identity);
    expect(await credentialOf({ arrival, header: { "x-api-key": key } })).toBe("token-1");
  });

  it("is nobody where no service account has its SPIFFE id, with CREDENTIALS_MISSING", async () => {
    const stranger = { clientIdentity: "spiffe://example.org/ns/jobs/sa/stranger" };
    const attempt = setUp().credentialOf({ arrival: stranger });
    await expectRefusal(attempt, Code.Unauthenticated, "CREDENTIALS_MISSING");
  });

  it("is nobody when its account has ended", async () => {
    const { credentialOf, revoked, ended } = setUp();
    await credentialOf({ arrival });
    revoked.add("token-1");
    ended.add(identity);
    await expectRefusal(credentialOf({ arrival }), Code.Unauthenticated, "CREDENTIALS_MISSING");
  });
});

describe("a method that asks for a session", () => {
  const method = contractOf(getAgent);
  const attempt = (principal: object) => {
    const layer = requireSession({ ...method, sessionOnly: true });
    const request = requestOf(getAgent, { call: { principal: { ...ada, ...principal } } });
    return pass([() => layer], request);
  };

  it("takes a person's session", async () => {
    await attempt({});
  });

  it.each([
    ["an API key", { session: "", apiKey: "k1" }],
    ["a service account", { kind: "machine", session: "" }],
    ["a workload", { kind: "workload", session: "" }],
  ])("refuses %s, with SESSION_REQUIRED", async (_, principal) => {
    await expectRefusal(attempt(principal), Code.PermissionDenied, "SESSION_REQUIRED");
  });

  it("is none unless the contract says so", () => {
    expect(requireSession(method)).toBeUndefined();
  });
});
