import { Code } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { actInTenant } from "../../../services/kit/chain/act-in-tenant.js";
import { type Principal, principalOf } from "../../../services/kit/context.js";
import { errors } from "../../../services/kit/errors.js";
import { ada } from "../tokens/forge.js";
import { contractOf, expectRefusal, getAgent, pass, requestOf } from "./calls.js";

const operator: Principal = { ...ada, permissions: new Set([Permission.TENANT_ADMIN]) };

function setUp() {
  const resolve = vi.fn(async (tenant: string) => {
    if (tenant === "nobody") throw errors.tenantNotFound({ tenant });
    return `id of ${tenant}`;
  });
  const layer = actInTenant(resolve);
  const call = async (tenant: string | undefined, principal = operator) => {
    const header: Record<string, string> = tenant === undefined ? {} : { "x-tenant": tenant };
    let acting: unknown;
    await pass([layer], requestOf(getAgent, { header, call: { principal } }), ({ contextValues }) => {
      acting = principalOf({ values: contextValues });
      return {};
    });
    return acting;
  };
  return { resolve, call };
}

describe("acting in another tenant", () => {
  it("changes the tenant of who administers tenants, and nothing else", async () => {
    expect(await setUp().call("acme")).toEqual({ ...operator, tenant: "id of acme", home: ada.home });
  });

  it("changes nothing without the header", async () => {
    const { call, resolve } = setUp();
    expect(await call(undefined)).toEqual(operator);
    expect(resolve).not.toHaveBeenCalled();
  });

  it("is refused to everybody else, with TENANT_NOT_ALLOWED and no look at the tenant", async () => {
    const { call, resolve } = setUp();
    for (const tenant of ["acme", "nobody", ada.tenant, ""]) {
      await expectRefusal(call(tenant, ada), Code.PermissionDenied, "TENANT_NOT_ALLOWED");
    }
    expect(resolve).not.toHaveBeenCalled();
  });

  it("is refused in a tenant that does not exist, with TENANT_NOT_FOUND, each time anew", async () => {
    const { call, resolve } = setUp();
    for (let i = 0; i < 2; i++) await expectRefusal(call("nobody"), Code.NotFound, "TENANT_NOT_FOUND");
    expect(resolve).toHaveBeenCalledTimes(2);
  });

  it.each(["", "a, b", "a b", "é", "x".repeat(65)])(
    "asks nobody for %o, with PARAMETER_INVALID",
    async (tenant) => {
      const { call, resolve } = setUp();
      await expectRefusal(call(tenant), Code.InvalidArgument, "PARAMETER_INVALID");
      expect(resolve).not.toHaveBeenCalled();
    },
  );

  it("asks once for a tenant that it found", async () => {
    const { call, resolve } = setUp();
    await call("acme");
    await call("acme");
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  it("has nothing to do for public methods", () => {
    expect(actInTenant(async () => "")(contractOf(AuthService.method.login))).toBeUndefined();
  });
});
