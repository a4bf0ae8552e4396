import { create } from "@bufbuild/protobuf";
import { createContextValues, type UnaryRequest } from "@connectrpc/connect";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { SharedAllowance } from "../../services/kit/chain/bounds.js";
import { type Layer, planChain } from "../../services/kit/chain/chain.js";
import type { Next } from "../../services/kit/chain/next.js";
import { configuredQuotas } from "../../services/kit/chain/quota.js";
import { rateLimit } from "../../services/kit/chain/rate-limit.js";
import { tenantQuotas } from "../../services/kit/chain/tenant-quotas.js";
import { systemClock } from "../../services/kit/clock.js";
import { type Call, callKey } from "../../services/kit/context.js";
import { resolveContract } from "../../services/kit/contract/method.js";
import { memoryLimits } from "../../services/kit/stores/limits/memory.js";
import { ada } from "../kit/tokens/forge.js";
import { median, type Row } from "./rows.js";

const calls = 50_000;
const rounds = 9;
const most = 1_000_000_000;
const { listAgents: method } = AgentsService.method;

const unbound = { requestsPerHour: 0, concurrent: 0, multiplier: 1 };
const shared: SharedAllowance = {
  quota: { name: "tenant-quota", units: most, windowMs: 3_600_000 },
  ceiling: { name: "tenant-concurrency", most },
};

/** What bounding a call by its account's tier and its tenant costs, in memory, on top of a chain without. */
export async function bench(): Promise<readonly Row[]> {
  const none = await cost([]);
  const bounded = async (measure: string, tier: Tier, tenant?: SharedAllowance) => ({
    measure,
    value: Math.round((await cost([layer(tenant)], tier)) * 100 - none * 100) / 100,
    unit: "µs",
  });
  return [
    await bounded("rates alone: a tier without quota and ceiling", Tier.ADVANCED),
    await bounded("rates and a ceiling, as Enterprise has", Tier.ENTERPRISE),
    await bounded("rates and a quota, as Basic has", Tier.BASIC),
    await bounded("rates, a quota, and the tenant's quota and ceiling", Tier.BASIC, shared),
  ];
}

function layer(tenant: SharedAllowance | undefined): Layer {
  const config = {
    tiers: {
      basic: { ...unbound, requestsPerHour: most },
      advanced: unbound,
      enterprise: { ...unbound, concurrent: 100 },
      research: unbound,
    },
    rates: { perSecond: most, burst: most, perMinute: most },
    weights: { read: 1, write: 1, judge: 1 },
  };
  const asked = tenantQuotas({ ask: async () => ({}), clock: systemClock });
  return rateLimit({
    limits: memoryLimits({ clock: systemClock }),
    rates: { perMinute: most, signInPerMinute: most },
    quotas: configuredQuotas(config, tenant ? () => tenant : asked),
  });
}

/** Microseconds of CPU for a call through the layers. */
async function cost(layers: readonly Layer[], tier = Tier.BASIC): Promise<number> {
  const plan = planChain(resolveContract([AgentsService]).methods, layers).get(method)!;
  const message = create(method.output);
  const handler: Next = async () => ({
    stream: false,
    service: AgentsService,
    method,
    header: new Headers(),
    trailer: new Headers(),
    message,
  });
  const serve = plan(handler);
  const request = requestOf(tier);
  const run = async () => {
    const before = process.cpuUsage();
    for (let count = 0; count < calls; count++) await serve(request);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / calls;
  };
  await run();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await run());
  return median(times);
}

function requestOf(tier: Tier): UnaryRequest {
  const call: Call = {
    requestId: "0193a5c1-7a11-7c3e-9d55-3f4f0c7a5b21",
    correlationId: "bench",
    caller: Workload.GATEWAY,
    client: undefined,
    principal: { ...ada, tier },
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
  };
  return {
    stream: false,
    service: AgentsService,
    method,
    url: "http://localhost",
    requestMethod: "POST",
    signal: new AbortController().signal,
    header: new Headers(),
    contextValues: createContextValues().set(callKey, call),
    message: create(method.input),
  } as UnaryRequest;
}
