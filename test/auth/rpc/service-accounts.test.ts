import { Code } from "@connectrpc/connect";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { principalOfAccount } from "../../../services/auth/domain/account.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, eventType, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";

let auth: Auth;
let admin: Principal;
let operator: Principal;
beforeAll(async () => {
  auth = await startAuth();
  admin = await signedIn(Role.ADMIN);
  operator = await signedIn(Role.SUPER_ADMIN);
});
afterAll(() => auth.stop());

const signedIn = async (role: Role, tenant = "default") =>
  principalOfAccount(await auth.account({ roles: [role], tier: Tier.ADVANCED, tenant }), newId());
const as = (principal: Principal | undefined, idempotencyKey?: string) =>
  methodsOf(auth.served, ServiceAccountsService, {
    ...(principal && { principal }),
    ...(idempotencyKey && { idempotencyKey }),
  });
const issue = (clientId: string, clientSecret: string, scopes: Permission[] = []) =>
  as(undefined).issueToken({ clientId, clientSecret, scopes });
const refused = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.Unauthenticated, "CLIENT_CREDENTIALS_INVALID");
const missing = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.NotFound, "SERVICE_ACCOUNT_NOT_FOUND");
const exceeded = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.PermissionDenied, "GRANT_EXCEEDED");
const outranked = (attempt: Promise<unknown>) =>
  expectRefusal(attempt, Code.PermissionDenied, "RIGHTS_EXCEEDED");
const epochOf = async (id: string) =>
  (await auth.db.selectFrom("service_accounts").select("epoch").where("id", "=", id).executeTakeFirst())
    ?.epoch;

/** A service account that may read agents. */
async function made(changes: object = {}, principal = admin) {
  const serviceAccount = { name: `job-${newId()}`, permissions: [Permission.AGENT_READ], ...changes };
  const reply = await as(principal).createServiceAccount({ serviceAccount });
  return {
    id: reply.serviceAccount?.id ?? "",
    etag: reply.serviceAccount?.etag ?? "",
    secret: reply.clientSecret,
    account: reply.serviceAccount,
  };
}

describe("CreateServiceAccount", () => {
  it("answers the secret once, and stores its hash", async () => {
    const { id, secret, account } = await made();
    expect(secret).toMatch(/^ces_[A-Za-z0-9_-]{43}$/);
    expect(account).toMatchObject({ permissions: [Permission.AGENT_READ], tier: Tier.BASIC, spiffeId: "" });
    const row = await auth.db
      .selectFrom("service_accounts")
      .selectAll()
      .where("id", "=", id)
      .executeTakeFirst();
    expect(Buffer.from(row?.secret_hash ?? [])).toHaveLength(32);
    expect((await auth.events("service_account", id)).map(eventType)).toEqual(["ServiceAccountCreated"]);
  });

  it("answers without the secret where the answer is that of an earlier call", async () => {
    const accounts = as(admin, newId());
    const request = { serviceAccount: { name: `job-${newId()}` } };
    const first = await accounts.createServiceAccount(request);
    expect(await accounts.createServiceAccount(request)).toMatchObject({
      clientSecret: "",
      serviceAccount: first.serviceAccount,
    });
  });

  it("gives nobody more than its maker has", async () => {
    await exceeded(made({ permissions: [Permission.SYSTEM_ADMIN] }));
    await exceeded(made({ roles: [Role.SUPER_ADMIN] }));
    await exceeded(made({ tier: Tier.ENTERPRISE }));
    await expect(made({ roles: [Role.ADMIN], tier: Tier.ADVANCED })).resolves.toBeDefined();
    await expect(made({ tier: Tier.RESEARCH }, operator)).resolves.toBeDefined();
  });

  it("binds a SPIFFE id for the platform's operators alone, and for one account", async () => {
    const spiffeId = `spiffe://example.org/ns/jobs/sa/${newId()}`;
    await expectRefusal(made({ spiffeId }), Code.PermissionDenied, "PERMISSION_MISSING");
    await made({ spiffeId }, operator);
    const error = await expectRefusal(
      made({ spiffeId }, operator),
      Code.AlreadyExists,
      "SERVICE_ACCOUNT_TAKEN",
    );
    expect(error.rawMessage).toContain(spiffeId);
  });

  it("refuses a name that another of the tenant has, and no other tenant's", async () => {
    const name = `job-${newId()}`;
    await made({ name });
    await expectRefusal(made({ name }), Code.AlreadyExists, "SERVICE_ACCOUNT_TAKEN");
    await expect(made({ name }, await signedIn(Role.ADMIN, "other"))).resolves.toBeDefined();
  });
});

describe("a service account of another tenant", () => {
  it("does not exist, for reading or for changing", async () => {
    const { id } = await made();
    const foreign = as(await signedIn(Role.ADMIN, "other"));
    await missing(foreign.getServiceAccount({ id }));
    await missing(foreign.updateServiceAccount({ serviceAccount: { id, name: "mine" } }));
    await missing(foreign.rotateSecret({ id }));
    await missing(foreign.deleteServiceAccount({ id }));
    expect(
      (await foreign.listServiceAccounts({ pageSize: 200 })).serviceAccounts.map((one) => one.id),
    ).not.toContain(id);
  });
});

describe("ListServiceAccounts", () => {
  it("pages, newest first", async () => {
    const principal = await signedIn(Role.ADMIN, "pages");
    const ids: string[] = [];
    for (let count = 0; count < 3; count += 1) ids.unshift((await made({}, principal)).id);
    const first = await as(principal).listServiceAccounts({ pageSize: 2 });
    const second = await as(principal).listServiceAccounts({ pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.serviceAccounts, ...second.serviceAccounts].map(({ id }) => id)).toEqual(ids);
    const attempt = as(admin).listServiceAccounts({ pageToken: first.nextPageToken });
    await expectRefusal(attempt, Code.InvalidArgument, "PAGE_TOKEN_INVALID");
  });
});

describe("UpdateServiceAccount", () => {
  const update = (principal: Principal, serviceAccount: object, paths: string[]) =>
    as(principal).updateServiceAccount({ serviceAccount, updateMask: { paths } });

  it("changes what the mask names, and ends tokens where rights change", async () => {
    const { id } = await made();
    const named = await update(admin, { id, description: "nightly", name: "ignored" }, ["description"]);
    expect(named.serviceAccount).toMatchObject({
      description: "nightly",
      permissions: [Permission.AGENT_READ],
    });
    expect(await epochOf(id)).toBe(0);
    await update(admin, { id, permissions: [] }, ["permissions"]);
    expect(await epochOf(id)).toBe(1);
    expect((await auth.events("service_account", id)).map(eventType)).toEqual([
      "ServiceAccountCreated",
      "ServiceAccountUpdated",
      "ServiceAccountUpdated",
    ]);
  });

  it("writes nothing where nothing changes", async () => {
    const { id, etag, account } = await made();
    const reply = await as(admin).updateServiceAccount({ serviceAccount: { ...account, id } as never });
    expect(reply.serviceAccount?.etag).toBe(etag);
  });

  it("refuses another state, an unknown field, and more than the caller has", async () => {
    const { id } = await made();
    const etag = "another state";
    await expectRefusal(update(admin, { id, etag, name: "x" }, ["name"]), Code.Aborted, "ETAG_MISMATCH");
    await expectRefusal(update(admin, { id }, ["epoch"]), Code.InvalidArgument, "FIELD_MASK_INVALID");
    await exceeded(update(admin, { id, roles: [Role.SUPER_ADMIN] }, ["roles"]));
    await exceeded(update(admin, { id, tier: Tier.RESEARCH }, ["tier"]));
    const spiffeId = `spiffe://example.org/ns/jobs/sa/${newId()}`;
    const bind = update(admin, { id, spiffeId }, ["spiffe_id"]);
    await expectRefusal(bind, Code.PermissionDenied, "PERMISSION_MISSING");
  });

  it.each<[string, object, string]>([
    ["renames", { name: "mine" }, "name"],
    ["lowers", { roles: [Role.USER] }, "roles"],
    ["empties", { permissions: [] }, "permissions"],
  ])("%s no account that has more than the caller, with RIGHTS_EXCEEDED", async (_, changes, path) => {
    const { id, account } = await made({ permissions: [Permission.SYSTEM_ADMIN] }, operator);
    await outranked(update(admin, { id, ...changes }, [path]));
    expect((await as(admin).getServiceAccount({ id })).serviceAccount).toEqual(account);
  });

  it("counts what the account has by its roles", async () => {
    const { id } = await made({ roles: [Role.SUPER_ADMIN] }, operator);
    await outranked(update(admin, { id, roles: [Role.USER] }, ["roles"]));
    const lowered = await update(operator, { id, roles: [Role.ADMIN] }, ["roles"]);
    expect(lowered.serviceAccount?.roles).toEqual([Role.ADMIN]);
    await expect(update(admin, { id, name: `job-${newId()}` }, ["name"])).resolves.toBeDefined();
  });
});

describe("RotateSecret", () => {
  it("lets both secrets work while they overlap", async () => {
    const { id, secret } = await made();
    const { clientSecret, serviceAccount } = await as(admin).rotateSecret({ id, overlapSeconds: 60 });
    expect(serviceAccount?.formerSecretExpireTime).toBeDefined();
    await issue(id, secret);
    await issue(id, clientSecret);
    auth.time.advance(60_000);
    await refused(issue(id, secret));
    await issue(id, clientSecret);
    const read = await as(admin).getServiceAccount({ id });
    expect(read.serviceAccount?.formerSecretExpireTime).toBeUndefined();
  });

  it("ends the secret before and every token at once when told so", async () => {
    const { id, secret } = await made();
    await as(admin).rotateSecret({ id, overlapSeconds: 0 });
    await refused(issue(id, secret));
    expect(await epochOf(id)).toBe(1);
  });

  it("lets nobody take over an account that has more than he has", async () => {
    const { id, secret } = await made({ roles: [Role.SUPER_ADMIN] }, operator);
    await outranked(as(admin).rotateSecret({ id }));
    await issue(id, secret);
    await expect(as(operator).rotateSecret({ id })).resolves.toBeDefined();
  });

  it("refuses another state than the one meant", async () => {
    const { id } = await made();
    await expectRefusal(as(admin).rotateSecret({ id, etag: "another" }), Code.Aborted, "ETAG_MISMATCH");
  });
});

describe("DeleteServiceAccount", () => {
  it("ends the account, its secret and its tokens", async () => {
    const { id, secret } = await made();
    await as(admin).deleteServiceAccount({ id });
    await refused(issue(id, secret));
    await missing(as(admin).getServiceAccount({ id }));
    const told = await auth.db.selectFrom("revocations").selectAll().where("subject", "=", id).execute();
    expect(told.map(({ kind, epoch }) => ({ kind, epoch }))).toEqual([{ kind: "ACCOUNT", epoch: 1 }]);
    expect((await auth.events("service_account", id)).map(eventType).at(-1)).toBe("ServiceAccountDeleted");
  });

  it("lets nobody delete an account that has more than he has", async () => {
    const { id, secret } = await made({ permissions: [Permission.SYSTEM_ADMIN] }, operator);
    await outranked(as(admin).deleteServiceAccount({ id }));
    await issue(id, secret);
    await expect(as(operator).deleteServiceAccount({ id })).resolves.toBeDefined();
  });

  it("refuses another state than the one meant", async () => {
    const { id } = await made();
    const attempt = as(admin).deleteServiceAccount({ id, etag: "another" });
    await expectRefusal(attempt, Code.Aborted, "ETAG_MISMATCH");
  });
});

describe("IssueToken", () => {
  it("gives a machine's token, with all that the account may do", async () => {
    const { id, secret } = await made({ roles: [Role.USER], tier: Tier.ADVANCED });
    const { accessToken, tokenType, expiresIn } = await issue(id, secret);
    expect({ tokenType, expiresIn }).toEqual({ tokenType: "Bearer", expiresIn: 900 });
    const claims = decodeJwt(accessToken);
    expect(claims).toMatchObject({
      sub: id,
      kind: "machine",
      tenant: "default",
      consciousness_tier: "ADVANCED",
      roles: ["USER"],
    });
    expect(claims.permissions).toContain("AGENT_CREATE");
    expect(claims).not.toHaveProperty("sid");
  });

  it("narrows to the scopes asked for, without roles, and never beyond the account", async () => {
    const { id, secret } = await made({ roles: [Role.USER] });
    const { accessToken, scopes } = await issue(id, secret, [Permission.AGENT_READ]);
    expect(scopes).toEqual([Permission.AGENT_READ]);
    expect(decodeJwt(accessToken)).toMatchObject({
      permissions: ["AGENT_READ"],
      scope: "AGENT_READ",
      roles: [],
    });
    await exceeded(issue(id, secret, [Permission.USER_ADMIN]));
  });

  it.each([
    ["an unknown client", () => newId()],
    ["a client id that is none", () => "robot"],
    ["a client id with a NUL", () => "\0"],
  ])("refuses %s as it refuses a wrong secret", async (_, clientId) => {
    const { id, secret } = await made();
    await refused(issue(clientId(), secret));
    await refused(issue(id, `${secret}x`));
  });
});

describe("RedeemCertificate", () => {
  it("gives a token of 60 s of the account that the SPIFFE id is bound to", async () => {
    const spiffeId = `spiffe://example.org/ns/jobs/sa/${newId()}`;
    const { id } = await made({ spiffeId }, operator);
    const { token, expiresIn } = await as(undefined).redeemCertificate({ spiffeId });
    expect(expiresIn).toBe(60);
    expect(decodeJwt(token)).toMatchObject({ sub: id, kind: "machine", permissions: ["AGENT_READ"] });
  });

  it("knows no other", async () => {
    await missing(as(undefined).redeemCertificate({ spiffeId: "spiffe://example.org/ns/jobs/sa/nobody" }));
  });
});

describe("ExchangeToken", () => {
  const exchange = (subjectToken: string) =>
    auth.call({ caller: Workload.GATEWAY }).exchangeToken({ subjectToken, audience: "engine" });

  it("gives a machine's token no more than its scopes", async () => {
    const { id, secret } = await made({ roles: [Role.USER] });
    const { accessToken } = await issue(id, secret, [Permission.AGENT_READ]);
    const { token } = await exchange(accessToken);
    expect(decodeJwt(token)).toMatchObject({
      sub: id,
      kind: "machine",
      permissions: ["AGENT_READ"],
      roles: [],
    });
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ["was deleted", (id) => as(admin).deleteServiceAccount({ id })],
    [
      "may do less",
      (id) =>
        as(admin).updateServiceAccount({ serviceAccount: { id }, updateMask: { paths: ["permissions"] } }),
    ],
    ["lost its secret", (id) => as(admin).rotateSecret({ id, overlapSeconds: 0 })],
  ])("refuses the token of an account that %s", async (_, change) => {
    const { id, secret } = await made();
    const { accessToken } = await issue(id, secret);
    await change(id);
    await expectRefusal(exchange(accessToken), Code.Unauthenticated, "TOKEN_REVOKED");
  });
});
