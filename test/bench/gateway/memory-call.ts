import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DescMethod, type DescMethodUnary, fromJson } from "@bufbuild/protobuf";
import type { MethodImpl } from "@connectrpc/connect";
import { createContextValues } from "@connectrpc/connect";
import { destination } from "pino";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { checkCaller } from "../../../services/kit/chain/caller.js";
import { type Layer, planChain } from "../../../services/kit/chain/chain.js";
import { deadline } from "../../../services/kit/chain/deadline.js";
import { observe } from "../../../services/kit/chain/observe.js";
import { traceCall } from "../../../services/kit/chain/trace-call.js";
import { translateErrors } from "../../../services/kit/chain/translate-errors.js";
import { validate } from "../../../services/kit/chain/validate.js";
import { systemClock } from "../../../services/kit/clock.js";
import { type Caller, callKey } from "../../../services/kit/context.js";
import { resolveContract } from "../../../services/kit/contract/method.js";
import { createLog } from "../../../services/kit/log.js";
import { createMetrics } from "../../../services/kit/metrics.js";
import type { LocalMethod } from "../../../services/kit/peers/local.js";
import { memoryCalls } from "../../../services/kit/peers/memory.js";
import { ada } from "../../kit/tokens/forge.js";
import { median, type Row } from "../rows.js";
import { answer, governedService, methodOf, requestJson } from "./contract/review.js";
import { rounded } from "./goals.js";

const goalUs = 2.5;
const calls = 20_000;
const rounds = 7;

/** Microseconds of CPU for a call to a workload of the same process, handler included. */
export async function memoryCallRows(): Promise<Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "bench-memory-"));
  const file = destination({ dest: join(directory, "access.log"), sync: false, minLength: 4096 });
  const bounded = [deadline({ clock: systemClock }), checkCaller(() => Workload.UNSPECIFIED)];
  const log = createLog({ service: "agents", level: "info", destination: file });
  const metrics = createMetrics({ version: "bench", workloads: ["agents"] });
  const clock = systemClock;
  const everything = [
    traceCall,
    observe({ workload: Workload.AGENTS, log, metrics, clock, trustRequestId: true }),
    translateErrors,
    ...bounded,
    validate(),
  ];
  try {
    const few = await cost(bounded);
    return [
      {
        measure: "in-memory peer call with caller check and deadline",
        value: rounded(few),
        unit: "µs",
        goal: `≤ ${goalUs} µs`,
        met: few <= goalUs,
      },
      {
        measure: "in-memory peer call with trace, metrics, log and validation too",
        value: rounded(await cost(everything)),
        unit: "µs",
      },
    ];
  } finally {
    file.end();
    await rm(directory, { recursive: true, force: true });
  }
}

async function cost(layers: readonly Layer[]): Promise<number> {
  const service = governedService(Workload.AGENTS);
  const method = methodOf(service);
  const plan = planChain(resolveContract([service]).methods, layers).get(method)!;
  const handler = (async (request) => answer(request)) as MethodImpl<DescMethodUnary>;
  const { unary } = memoryCalls({
    self: Workload.GATEWAY,
    local: new Map<DescMethod, LocalMethod>([[method, { method, plan, handler } as LocalMethod]]),
  });
  const request = fromJson(method.input, requestJson);
  const caller = callerOf();
  const run = async () => {
    const before = process.cpuUsage();
    for (let count = 0; count < calls; count++) await unary(method, request, caller);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / calls;
  };
  await run();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await run());
  return median(times);
}

function callerOf(): Caller {
  const requestId = "0193a5c1-7a11-7c3e-9d55-3f4f0c7a5b21";
  const call = {
    requestId,
    correlationId: requestId,
    caller: Workload.UNSPECIFIED,
    principal: ada,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
  };
  return { values: createContextValues().set(callKey, call), signal: new AbortController().signal };
}
