import { Code } from "@connectrpc/connect";
import { beforeEach, describe, expect, it } from "vitest";
import type { SharedAllowance } from "../../../services/kit/chain/bounds.js";
import { type TenantPlan, tenantQuotas } from "../../../services/kit/chain/tenant-quotas.js";
import { errors } from "../../../services/kit/errors.js";
import { expectRefusal } from "./calls.js";

describe("what the accounts of a tenant share", () => {
  let now: number;
  let plan: TenantPlan;
  let away: Error | undefined;
  let asked: string[];
  let sharedBy: ReturnType<typeof tenantQuotas>;

  beforeEach(() => {
    now = 1_000_000;
    plan = {};
    away = undefined;
    asked = [];
    const ask = async (tenant: string) => {
      asked.push(tenant);
      if (away) throw away;
      return plan;
    };
    sharedBy = tenantQuotas({ ask, clock: { now: () => now, monotonic: () => now }, mostTenants: 2 });
  });
  const shared = async (tenant = "t1") => await sharedBy(tenant);
  const answered = () => new Promise((resolve) => setImmediate(resolve));
  const units = async () => (await shared()).quota?.units;

  it("is what auth says", async () => {
    plan = { requestsPerHour: 7, concurrentCalls: 3 };
    const expected: SharedAllowance = {
      quota: { name: "tenant-quota", units: 7, windowMs: 3_600_000 },
      ceiling: { name: "tenant-concurrency", most: 3 },
    };
    expect(await shared()).toEqual(expected);
    plan = { requestsPerHour: 0 };
    now += 501;
    expect((await shared()).quota?.units).toBe(0);
  });

  it("is nothing where auth says nothing", async () => {
    expect(await shared()).toEqual({ quota: undefined, ceiling: undefined });
  });

  it("is asked for once in half a second, however many calls there are, and known without waiting then", async () => {
    await Promise.all([shared(), shared(), shared()]);
    now += 500;
    expect(sharedBy("t1")).not.toBeInstanceOf(Promise);
    expect(asked).toEqual(["t1"]);
    now += 1;
    await Promise.all([shared(), shared()]);
    expect(asked).toEqual(["t1", "t1"]);
  });

  it("is new within a second of its change", async () => {
    plan = { requestsPerHour: 5 };
    expect(await units()).toBe(5);
    plan = { requestsPerHour: 9 };
    expect(await units()).toBe(5);
    now += 501;
    expect(await units()).toBe(9);
  });

  it("is the last that was known while auth is away, for a minute, and nothing passes then", async () => {
    plan = { requestsPerHour: 5 };
    await shared();
    away = errors.internal();
    now += 60_000;
    expect(await units()).toBe(5);
    now += 1;
    await expectRefusal(shared(), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    away = undefined;
    plan = { requestsPerHour: 6 };
    expect(await units()).toBe(6);
  });

  it("keeps nobody waiting for auth while that does not answer, but asks on", async () => {
    plan = { requestsPerHour: 5 };
    await shared();
    away = errors.internal();
    now += 501;
    await shared();
    for (let calls = 0; calls < 100; calls++) expect(sharedBy("t1")).not.toBeInstanceOf(Promise);
    expect(asked).toHaveLength(2);
    now += 501;
    expect(sharedBy("t1")).not.toBeInstanceOf(Promise);
    expect(asked).toHaveLength(3);
    await answered();
    away = undefined;
    plan = { requestsPerHour: 6 };
    now += 501;
    await shared();
    await answered();
    expect(await units()).toBe(6);
  });

  it("lets nothing pass of a tenant that was never heard of while auth is away", async () => {
    away = errors.dependencyUnavailable({ dependency: "auth" });
    await expectRefusal(shared(), Code.Unavailable, "DEPENDENCY_UNAVAILABLE");
    away = undefined;
    await shared();
  });

  it("is remembered of the latest tenants alone, so that memory stays flat", async () => {
    for (const tenant of ["t1", "t2", "t3", "t3", "t2", "t1"]) await shared(tenant);
    expect(asked).toEqual(["t1", "t2", "t3", "t1"]);
  });
});
