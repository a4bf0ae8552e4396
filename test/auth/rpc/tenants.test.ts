import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Role } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { TenantsService } from "#gen/ts/consciousness/auth/v1/tenants_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, password, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";
import { type Member, member, newTenant, revokedIn } from "../support/tenants.js";

let auth: Auth;
let operator: Member;
beforeAll(async () => {
  auth = await startAuth();
  operator = await member(auth, Role.SUPER_ADMIN);
});
afterAll(() => auth.stop());

const tenants = (idempotencyKey?: string) =>
  methodsOf(auth.served, TenantsService, { principal: operator, ...(idempotencyKey && { idempotencyKey }) });
const named = () => ({ name: `t-${newId()}`, displayName: "Acme" });
const update = (tenant: object, ...paths: string[]) =>
  tenants().updateTenant({ tenant, ...(paths.length > 0 && { updateMask: { paths } }) });
const signIn = (tenant: string, username: string) => auth.call().login({ tenant, username, password });

describe("CreateTenant", () => {
  it("makes an active tenant, with an event", async () => {
    const wanted = { ...named(), openRegistration: true, limits: { requestsPerHour: 500 } };
    const { tenant } = await tenants().createTenant({ tenant: wanted });
    expect(tenant).toMatchObject({ ...wanted, active: true });
    expect(tenant?.limits?.concurrentCalls).toBeUndefined();
    const [event] = await auth.events("tenant", tenant?.id ?? "");
    expect(eventType(event!)).toBe("TenantCreated");
    expect(event).toMatchObject({ tenantId: tenant?.id, actor: operator.subject });
  });

  it("makes one for an idempotency key, however often it is asked", async () => {
    const [tenant, key] = [named(), newId()];
    const first = await tenants(key).createTenant({ tenant });
    expect((await tenants(key).createTenant({ tenant })).tenant?.id).toBe(first.tenant?.id);
  });

  it("refuses a name that is taken, with TENANT_NAME_TAKEN", async () => {
    const { name } = await newTenant(auth);
    await expectRefusal(
      tenants().createTenant({ tenant: { name } }),
      Code.AlreadyExists,
      "TENANT_NAME_TAKEN",
    );
    await expectRefusal(
      tenants().createTenant({ tenant: { name: "default" } }),
      Code.AlreadyExists,
      "TENANT_NAME_TAKEN",
    );
  });
});

describe("GetTenant and ListTenants", () => {
  it("answer the default tenant, which every deployment has", async () => {
    expect((await tenants().getTenant({ id: "default" })).tenant).toMatchObject({
      name: "default",
      active: true,
      openRegistration: false,
    });
  });

  it("refuse an id that nobody has, with TENANT_NOT_FOUND", async () => {
    await expectRefusal(tenants().getTenant({ id: newId() }), Code.NotFound, "TENANT_NOT_FOUND");
  });

  it("list each tenant once over several pages, newest first and the default one last", async () => {
    const made = [await newTenant(auth), await newTenant(auth), await newTenant(auth)].map(({ id }) => id);
    const seen: string[] = [];
    let pageToken = "";
    do {
      const page = await tenants().listTenants({ pageSize: 2, pageToken });
      seen.push(...page.tenants.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(seen.slice(0, 3)).toEqual(made.reverse());
    expect(seen.at(-1)).toBe("default");
    expect(new Set(seen).size).toBe(seen.length);
  });

  it("refuse a page token of another list, with PAGE_TOKEN_INVALID", async () => {
    await expectRefusal(
      tenants().listTenants({ pageToken: "x".repeat(38) }),
      Code.InvalidArgument,
      "PAGE_TOKEN_INVALID",
    );
  });
});

describe("UpdateTenant", () => {
  it("changes what the mask names, and neither name nor anything else", async () => {
    const { id, name } = await newTenant(auth);
    const wanted = { id, name: "other", displayName: "Acme", openRegistration: true };
    const { tenant } = await update(wanted, "display_name");
    expect(tenant).toMatchObject({ id, name, displayName: "Acme", openRegistration: false, active: true });
    const events = await auth.events("tenant", id);
    expect(events.map(eventType)).toEqual(["TenantCreated", "TenantUpdated"]);
  });

  it("changes limits, and takes one away, without ending any token", async () => {
    const { id } = await newTenant(auth);
    const limited = await update({ id, limits: { concurrentCalls: 3 } }, "limits");
    expect(limited.tenant?.limits?.concurrentCalls).toBe(3);
    const free = await update({ id, limits: {} }, "limits");
    expect(free.tenant?.limits?.concurrentCalls).toBeUndefined();
    expect(await revokedIn(auth, id)).toEqual([]);
  });

  it("writes nothing when nothing changes", async () => {
    const { id, etag } = await newTenant(auth);
    expect((await update({ id }, "display_name")).tenant?.etag).toBe(etag);
    expect(await auth.events("tenant", id)).toHaveLength(1);
  });

  it("refuses another state, a path that is none, and an id that nobody has", async () => {
    const { id, etag } = await newTenant(auth);
    await update({ id, displayName: "Acme" }, "display_name");
    await expectRefusal(update({ id, etag }, "active"), Code.Aborted, "ETAG_MISMATCH");
    await expectRefusal(update({ id }, "version"), Code.InvalidArgument, "FIELD_MASK_INVALID");
    await expectRefusal(update({ id: newId() }, "active"), Code.NotFound, "TENANT_NOT_FOUND");
  });

  it("does not disable the tenant of the last SuperAdmin, with LAST_SUPER_ADMIN", async () => {
    const attempt = update({ id: "default", active: false }, "active");
    await expectRefusal(attempt, Code.FailedPrecondition, "LAST_SUPER_ADMIN");
    expect((await tenants().getTenant({ id: "default" })).tenant?.active).toBe(true);
  });
});

describe("a disabled tenant", () => {
  it("signs nobody in, like a tenant that does not exist, and signs in again when enabled", async () => {
    const { id, name } = await newTenant(auth);
    const { account } = await member(auth, Role.USER, { tenant: id });
    expect((await signIn(name, account.username)).profile).toMatchObject({ id: account.id, tenantId: id });
    await update({ id, active: false }, "active");
    for (const tenant of [name, "nobody-has-this"]) {
      await expectRefusal(signIn(tenant, account.username), Code.Unauthenticated, "CREDENTIALS_INVALID");
    }
    await update({ id, active: true }, "active");
    await expect(signIn(name, account.username)).resolves.toBeDefined();
  });

  it("refreshes nobody, and ends the tokens of all its accounts at once", async () => {
    const { id, name } = await newTenant(auth);
    const { account } = await member(auth, Role.USER, { tenant: id });
    const { tokens } = await signIn(name, account.username);
    await update({ id, active: false }, "active");
    const refresh = auth.call().refresh({ refreshToken: tokens?.refreshToken ?? "" });
    await expectRefusal(refresh, Code.PermissionDenied, "ACCOUNT_DISABLED");
    expect(await revokedIn(auth, id)).toContainEqual({ case: "tenant", value: true });
    const exchange = auth
      .call()
      .exchangeToken({ subjectToken: tokens?.accessToken ?? "", audience: "agents" });
    await expectRefusal(exchange, Code.Unauthenticated, "TOKEN_REVOKED");
  });
});

describe("sign-in by tenant", () => {
  it("tells accounts of one name apart by their tenants", async () => {
    const [one, other] = [await newTenant(auth), await newTenant(auth)];
    const username = `u-${newId()}`;
    const [ada, bob] = [
      await member(auth, Role.USER, { tenant: one.id, username }),
      await member(auth, Role.USER, { tenant: other.id, username }),
    ];
    expect((await signIn(one.name, username)).profile?.id).toBe(ada.subject);
    expect((await signIn(other.name, username)).profile?.id).toBe(bob.subject);
    await expectRefusal(signIn("", username), Code.Unauthenticated, "CREDENTIALS_INVALID");
  });

  it.each(["default", ""])("takes %o for the default tenant", async (tenant) => {
    const { account } = await member(auth, Role.USER);
    expect((await signIn(tenant, account.username)).profile?.tenantId).toBe("default");
  });

  it.each(["Default", "' or true --", "\0", "𝓽"])("knows no tenant %o", async (tenant) => {
    const { account } = await member(auth, Role.USER);
    await expectRefusal(signIn(tenant, account.username), Code.Unauthenticated, "CREDENTIALS_INVALID");
  });

  it("takes a tenant's id for none of its names", async () => {
    const { id } = await newTenant(auth);
    const { account } = await member(auth, Role.USER, { tenant: id });
    await expectRefusal(signIn(id, account.username), Code.Unauthenticated, "CREDENTIALS_INVALID");
  });
});

describe("ResolveTenant", () => {
  it("finds a tenant by id and by name, and no other", async () => {
    const { id, name } = await newTenant(auth);
    expect(await tenants().resolveTenant({ tenant: id })).toMatchObject({ tenantId: id });
    expect(await tenants().resolveTenant({ tenant: name })).toMatchObject({ tenantId: id });
    for (const tenant of ["nobody", "\0"]) {
      await expectRefusal(tenants().resolveTenant({ tenant }), Code.NotFound, "TENANT_NOT_FOUND");
    }
  });
});

describe("ExchangeToken for another tenant", () => {
  const accessToken = async (role: Role) => {
    const { account } = await member(auth, role);
    const { tokens } = await signIn("default", account.username);
    return tokens?.accessToken ?? "";
  };
  const exchange = async (subjectToken: string, tenant: string, caller = Workload.GATEWAY) => {
    const audience = caller === Workload.GATEWAY ? "engine" : "agents";
    return (await auth.call({ caller }).exchangeToken({ subjectToken, audience, tenant })).token;
  };
  const tenantsOf = (token: string) => {
    const { tenant, home_tenant } = decodeJwt(token);
    return { tenant, home_tenant };
  };

  it("gives who administers tenants a token of that tenant, which goes on with it", async () => {
    const { id } = await newTenant(auth);
    const inside = await exchange(await accessToken(Role.SUPER_ADMIN), id);
    expect(tenantsOf(inside)).toEqual({ tenant: id, home_tenant: "default" });
    for (const named of ["", id]) {
      const next = await exchange(inside, named, Workload.ENGINE);
      expect(tenantsOf(next)).toEqual({ tenant: id, home_tenant: "default" });
    }
  });

  it("leads from one tenant into no third, with TENANT_NOT_ALLOWED", async () => {
    const [one, other] = [await newTenant(auth), await newTenant(auth)];
    const inside = await exchange(await accessToken(Role.SUPER_ADMIN), one.id);
    const attempt = exchange(inside, other.id, Workload.ENGINE);
    await expectRefusal(attempt, Code.PermissionDenied, "TENANT_NOT_ALLOWED");
  });

  it("refuses everybody else, with TENANT_NOT_ALLOWED, and takes their own tenant", async () => {
    const { id } = await newTenant(auth);
    const token = await accessToken(Role.ADMIN);
    await expectRefusal(exchange(token, id), Code.PermissionDenied, "TENANT_NOT_ALLOWED");
    await expectRefusal(exchange(token, "nobody"), Code.PermissionDenied, "TENANT_NOT_ALLOWED");
    expect(tenantsOf(await exchange(token, "default"))).toEqual({ tenant: "default" });
  });

  it("knows no tenant that does not exist, with TENANT_NOT_FOUND", async () => {
    const token = await accessToken(Role.SUPER_ADMIN);
    await expectRefusal(exchange(token, newId()), Code.NotFound, "TENANT_NOT_FOUND");
  });
});
