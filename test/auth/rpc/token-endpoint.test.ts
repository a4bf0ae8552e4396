import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { principalOfAccount } from "../../../services/auth/domain/account.js";
import type { Reason } from "../../../services/kit/errors.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";

let auth: Auth;
let client: { readonly client_id: string; readonly client_secret: string };
beforeAll(async () => {
  auth = await startAuth();
  const principal = principalOfAccount(await auth.account({ roles: [Role.ADMIN] }), newId());
  const accounts = methodsOf(auth.served, ServiceAccountsService, { principal });
  const serviceAccount = { name: "job", roles: [Role.USER] };
  const made = await accounts.createServiceAccount({ serviceAccount });
  client = { client_id: made.serviceAccount?.id ?? "", client_secret: made.clientSecret };
});
afterAll(() => auth.stop());

const grant = { grant_type: "client_credentials" };
const formType = "application/x-www-form-urlencoded";

async function ask(form: Record<string, string> | string, contentType = formType) {
  const text = typeof form === "string" ? form : new URLSearchParams(form).toString();
  const service = methodsOf(auth.served, ServiceAccountsService);
  const { token } = await service.token({ form: { contentType, data: Buffer.from(text) } });
  return { type: token?.contentType, answer: JSON.parse(Buffer.from(token?.data ?? []).toString()) };
}

describe("the token endpoint", () => {
  it("answers JSON as RFC 6749 has it", async () => {
    const { type, answer } = await ask({ ...grant, ...client });
    expect(type).toBe("application/json");
    expect(answer).toMatchObject({ token_type: "Bearer", expires_in: 900 });
    expect(answer.scope.split(" ")).toContain("AGENT_READ");
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: client.client_id, kind: "machine" });
  });

  it("narrows to the scope asked for, whatever other parameters come", async () => {
    const { answer } = await ask(
      { ...grant, ...client, scope: "AGENT_READ AGENT_CREATE", resource: "x" },
      `${formType}; charset=utf-8`,
    );
    expect(answer.scope).toBe("AGENT_READ AGENT_CREATE");
    expect(decodeJwt(answer.access_token).permissions).toEqual(["AGENT_READ", "AGENT_CREATE"]);
  });

  it.each<[string, () => Promise<unknown>, Code, Reason]>([
    [
      "a wrong secret",
      () => ask({ ...grant, ...client, client_secret: "x" }),
      Code.Unauthenticated,
      "CLIENT_CREDENTIALS_INVALID",
    ],
    ["no client", () => ask(grant), Code.Unauthenticated, "CLIENT_CREDENTIALS_INVALID"],
    [
      "an empty secret",
      () => ask({ ...grant, ...client, client_secret: "" }),
      Code.Unauthenticated,
      "CLIENT_CREDENTIALS_INVALID",
    ],
    [
      "another grant",
      () => ask({ ...client, grant_type: "password" }),
      Code.InvalidArgument,
      "GRANT_TYPE_UNSUPPORTED",
    ],
    ["no grant", () => ask(client), Code.InvalidArgument, "BODY_MALFORMED"],
    [
      "a parameter that comes twice",
      () => ask(`${new URLSearchParams({ ...grant, ...client })}&client_id=x`),
      Code.InvalidArgument,
      "BODY_MALFORMED",
    ],
    [
      "a form beyond its bound",
      () => ask({ ...grant, ...client, more: "x".repeat(4096) }),
      Code.InvalidArgument,
      "BODY_MALFORMED",
    ],
    [
      "JSON",
      () => ask(JSON.stringify({ ...grant, ...client }), "application/json"),
      Code.InvalidArgument,
      "MEDIA_TYPE_UNSUPPORTED",
    ],
    ["no type", () => ask({ ...grant, ...client }, ""), Code.InvalidArgument, "MEDIA_TYPE_UNSUPPORTED"],
    [
      "a scope that the account lacks",
      () => ask({ ...grant, ...client, scope: "USER_ADMIN" }),
      Code.PermissionDenied,
      "GRANT_EXCEEDED",
    ],
    [
      "an unknown scope",
      () => ask({ ...grant, ...client, scope: "everything" }),
      Code.PermissionDenied,
      "GRANT_EXCEEDED",
    ],
  ])("refuses %s", async (_, attempt, code, reason) => {
    await expectRefusal(attempt(), code, reason);
  });
});
