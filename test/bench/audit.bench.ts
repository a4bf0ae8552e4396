import { create } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { auditStore } from "../../services/auth/store/audit-events.js";
import type { AuthTables } from "../../services/auth/store.js";
import { audit } from "../../services/kit/chain/audit.js";
import { planChain } from "../../services/kit/chain/chain.js";
import { systemClock } from "../../services/kit/clock.js";
import { callKey } from "../../services/kit/context.js";
import { resolveContract } from "../../services/kit/contract/method.js";
import { newId } from "../../services/kit/ids.js";
import { createLog } from "../../services/kit/log.js";
import { createMetrics } from "../../services/kit/metrics.js";
import { openSchema } from "../../services/kit/stores/database/kysely.js";
import { migrate, readMigrations } from "../../services/kit/stores/database/migrate.js";
import { openPglite } from "../../services/kit/stores/database/pglite.js";
import { ada } from "../kit/tokens/forge.js";
import type { Bench } from "./main.js";
import { median, type Row } from "./rows.js";

const calls = 200_000;
const rounds = 9;
const goalUs = 0.3;
const batch = 256;
const batches = 40;

/** What auditing adds to a call that leaves no event, and how many events the embedded record takes. */
export const bench: Bench = async () => [await layerRow(), await recordRow()];

async function layerRow(): Promise<Row> {
  const method = AgentsService.method.getAgent;
  const contract = resolveContract([AgentsService]).methods.get(method)!;
  const layer = audit({
    workload: Workload.GATEWAY,
    audit: { record: () => undefined, stop: async () => undefined },
    log: createLog({ service: "bench", level: "silent" }),
    metrics: createMetrics({ version: "bench", workloads: [] }),
    clock: systemClock,
  });
  const response = { stream: false, message: create(method.output) } as never;
  const handler = async () => response;
  const bare = handler as (request: never) => Promise<unknown>;
  const audited = planChain(new Map([[method, contract]]), [layer]).get(method)!(handler) as typeof bare;
  const contextValues = createContextValues().set(callKey, { principal: ada } as never);
  const request = { stream: false, method, contextValues } as never;
  const differences: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const without = await microseconds(bare, request);
    differences.push((await microseconds(audited, request)) - without);
  }
  const value = Math.round(median(differences) * 1000) / 1000;
  const measure = "audit layer on a call that leaves no event";
  return { measure, value, unit: "µs", goal: `≤ ${goalUs} µs`, met: value <= goalUs };
}

/** Of CPU, as others may use the machine too. */
async function microseconds(call: (request: never) => Promise<unknown>, request: never): Promise<number> {
  const start = process.cpuUsage();
  for (let n = 0; n < calls; n += 1) await call(request);
  return process.cpuUsage(start).user / calls;
}

async function recordRow(): Promise<Row> {
  const database = await openPglite({});
  try {
    await migrate(database, { schema: "auth", migrations: await readMigrations("auth") });
    const store = auditStore({ db: openSchema<AuthTables>(database, "auth") });
    const start = performance.now();
    for (let n = 0; n < batches; n += 1) await store.add(Array.from({ length: batch }, eventOfTenant));
    const seconds = (performance.now() - start) / 1000;
    const value = Math.round((batch * batches) / seconds);
    return { measure: "audit events into the embedded record, in batches of 256", value, unit: "events/s" };
  } finally {
    await database.end();
  }
}

function eventOfTenant() {
  const event = {
    id: newId(),
    actor: undefined,
    method: "consciousness.agents.v1.AgentsService/DeleteAgent",
    auditClass: AuditClass.CHANGE,
    target: newId(),
    address: "192.0.2.1",
    userAgent: "curl/8",
    code: Code.OK,
    reason: "",
    requestId: newId(),
    workload: "gateway",
    count: 1,
  };
  return { event, tenants: new Set(["default"]) };
}
