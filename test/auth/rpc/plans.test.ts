import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PlansService } from "#gen/ts/consciousness/auth/v1/plans_service_pb.js";
import { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { principalOfAccount } from "../../../services/auth/domain/account.js";
import type { Principal } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import { type Auth, startAuth } from "../support/auth.js";
import { expectRefusal } from "../support/expect-refusal.js";
import { methodsOf } from "../support/methods.js";

let auth: Auth;
let admin: Principal;
beforeAll(async () => {
  auth = await startAuth();
  admin = principalOfAccount(await auth.account({ roles: [Role.ADMIN], tier: Tier.ADVANCED }), newId());
});
afterAll(() => auth.stop());

const plans = (principal?: Principal) => methodsOf(auth.served, PlansService, principal ? { principal } : {});

async function tenantWith(limits: {
  requests_per_hour?: number;
  concurrent_calls?: number;
}): Promise<string> {
  const id = newId();
  const name = `t-${id}`;
  const times = { create_time: new Date(), update_time: new Date() };
  await auth.db
    .insertInto("tenants")
    .values({
      id,
      name,
      display_name: name,
      requests_per_hour: null,
      concurrent_calls: null,
      version: 1n,
      ...times,
      ...limits,
    })
    .execute();
  return id;
}

describe("GetTenantPlan", () => {
  it("states each limit that a tenant has", async () => {
    const both = await tenantWith({ requests_per_hour: 500, concurrent_calls: 20 });
    expect(await plans().getTenantPlan({ tenantId: both })).toMatchObject({
      requestsPerHour: 500,
      concurrentCalls: 20,
    });
    const one = await plans().getTenantPlan({ tenantId: await tenantWith({ concurrent_calls: 4 }) });
    expect([one.requestsPerHour, one.concurrentCalls]).toEqual([undefined, 4]);
  });

  it("states nothing of a tenant without limits, nor of one that does not exist", async () => {
    for (const tenantId of ["default", newId()]) {
      const plan = await plans().getTenantPlan({ tenantId });
      expect([plan.requestsPerHour, plan.concurrentCalls]).toEqual([undefined, undefined]);
    }
  });
});

describe("GetAccountPlan", () => {
  it("tells the tier of a user of the caller's tenant", async () => {
    const { id } = await auth.account({ tier: Tier.RESEARCH });
    expect((await plans(admin).getAccountPlan({ accountId: id })).tier).toBe(Tier.RESEARCH);
  });

  it("tells the tier of a service account of the caller's tenant", async () => {
    const { serviceAccount } = await methodsOf(auth.served, ServiceAccountsService, {
      principal: admin,
    }).createServiceAccount({
      serviceAccount: { name: "nightly", roles: [Role.USER], tier: Tier.ADVANCED },
    });
    const { tier } = await plans(admin).getAccountPlan({ accountId: serviceAccount?.id ?? "" });
    expect(tier).toBe(Tier.ADVANCED);
  });

  it("knows no account of another tenant, and none that does not exist", async () => {
    const { id } = await auth.account();
    const stranger = { ...admin, tenant: await tenantWith({}) };
    const attempts = [
      plans(stranger).getAccountPlan({ accountId: id }),
      plans(admin).getAccountPlan({ accountId: newId() }),
    ];
    for (const attempt of attempts) await expectRefusal(attempt, Code.NotFound, "SUBJECT_NOT_FOUND");
  });
});
