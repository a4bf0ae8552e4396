import { describe, expect, it } from "vitest";
import { type RestAnswer, restClient } from "../support/rest.js";
import { eventually } from "../support/until.js";

const password = "a long password of nobody's";
const told = ({ status, body }: RestAnswer) => ({ status, reason: body.reason });

interface SignedIn {
  readonly platform: { readonly url: string };
  /** Of a SuperAdmin. */
  readonly token: string;
}

/** What every deployment promises of tenants, for calls in memory as on the wire. */
export function itKeepsTenantsApart(signedIn: () => SignedIn): void {
  const owner = (...call: Parameters<ReturnType<typeof restClient>>) => {
    const { platform, token } = signedIn();
    return restClient(platform.url, token)(...call);
  };
  const within = (tenant: string) => (method: string, path: string, body?: unknown) =>
    owner(method, path, body, { "x-tenant": tenant });

  const makeTenant = async (name: string) => {
    const made = await owner("POST", "/api/v1/tenants", { name, display_name: name });
    expect(made.status).toBe(200);
    return made.body as { readonly id: string; readonly name: string; readonly etag: string };
  };

  /** Invites somebody into a tenant, who registers and signs in. */
  const join = async (tenant: string, username: string) => {
    const { url } = signedIn().platform;
    const anybody = restClient(url);
    const invited = await within(tenant)("POST", "/api/v1/auth/invitations", { roles: ["ROLE_ADMIN"] });
    const registration = { tenant, invitation_token: invited.body.token, username, password };
    const registered = await anybody("POST", "/api/v1/auth/register", registration);
    expect(told(registered)).toEqual({ status: 200, reason: undefined });
    const signIn = () => anybody("POST", "/api/v1/auth/login", { tenant, username, password });
    const { tokens } = (await signIn()).body;
    return { signIn, refreshToken: tokens.refresh_token, rest: restClient(url, tokens.access_token) };
  };

  describe("tenants", () => {
    it("are entered by whoever administers them, in every store, and by id as by name", async () => {
      const { id, name } = await makeTenant("entered");
      const agent = await within(name)("POST", "/api/v1/agents", { name: "Inside", agent_type: "support" });
      const asked = await within(id)("POST", "/api/v1/consciousness/process", { input: "What can you do?" });
      expect([agent.status, asked.status]).toEqual([200, 200]);
      const places: readonly [string, string][] = [
        [`/api/v1/agents/${agent.body.id}`, "AGENT_NOT_FOUND"],
        [`/api/v1/consciousness/decisions/${asked.body.decision_id}`, "DECISION_NOT_FOUND"],
      ];
      for (const [path, reason] of places) {
        for (const tenant of [id, name]) expect((await within(tenant)("GET", path)).status).toBe(200);
        expect(told(await owner("GET", path))).toEqual({ status: 404, reason });
        expect(told(await within("default")("GET", path))).toEqual({ status: 404, reason });
      }
      expect((await within(id)("GET", "/api/v1/users")).body.users ?? []).toEqual([]);
    });

    it("are refused to everybody else, with TENANT_NOT_ALLOWED, their own too", async () => {
      const { id, name } = await makeTenant("closed");
      const { rest } = await join(name, "ada");
      expect((await rest("GET", "/api/v1/agents")).status).toBe(200);
      for (const tenant of ["default", id, "nobody"]) {
        const answer = await rest("GET", "/api/v1/agents", undefined, { "x-tenant": tenant });
        expect(told(answer)).toEqual({ status: 403, reason: "TENANT_NOT_ALLOWED" });
      }
      const denied = { status: 403, reason: "PERMISSION_MISSING" };
      expect(told(await rest("GET", "/api/v1/tenants"))).toEqual(denied);
      expect(told(await rest("PATCH", `/api/v1/tenants/${id}`, { active: true }))).toEqual(denied);
    });

    it("are not entered under a name that there is not", async () => {
      expect(told(await within("nobody")("GET", "/api/v1/agents"))).toEqual({
        status: 404,
        reason: "TENANT_NOT_FOUND",
      });
      expect(told(await within("a, b")("GET", "/api/v1/agents"))).toEqual({
        status: 400,
        reason: "PARAMETER_INVALID",
      });
    });

    it("take a change of what their roles permit within a second, and lock their accounts out when disabled", async () => {
      const { id, name } = await makeTenant("changed");
      const { rest, signIn, refreshToken } = await join(name, "ada");
      const { body: roles } = await rest("GET", "/api/v1/roles");
      const { permissions } = roles.roles.find(({ role }: { role: string }) => role === "ROLE_ADMIN");
      const fewer = permissions.filter((one: string) => one !== "PERMISSION_AGENT_READ");
      const path = "/api/v1/roles/ROLE_ADMIN";
      expect(told(await rest("PUT", path, { permissions: fewer }))).toEqual({
        status: 403,
        reason: "ROLE_RESERVED",
      });
      expect((await within(name)("PUT", path, { permissions: fewer })).status).toBe(200);
      const revoked = { status: 401, reason: "TOKEN_REVOKED" };
      await eventually(async () => expect(told(await rest("GET", "/api/v1/agents"))).toEqual(revoked));

      const { url } = signedIn().platform;
      const refreshed = await restClient(url)("POST", "/api/v1/auth/refresh", {
        refresh_token: refreshToken,
      });
      const again = restClient(url, refreshed.body.tokens.access_token);
      expect(told(await again("GET", "/api/v1/agents"))).toEqual({
        status: 403,
        reason: "PERMISSION_MISSING",
      });
      expect((await again("GET", "/api/v1/users")).status).toBe(200);

      expect((await owner("PATCH", `/api/v1/tenants/${id}`, { active: false })).status).toBe(200);
      await eventually(async () => expect(told(await again("GET", "/api/v1/users"))).toEqual(revoked));
      expect(told(await signIn())).toEqual({ status: 401, reason: "CREDENTIALS_INVALID" });
    });
  });
}
