import { Code, ConnectError } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { setOwn } from "../calls/metadata.js";
import type { Clock } from "../clock.js";
import { type Call, callKey } from "../context.js";
import { redactFields } from "../contract/data-class.js";
import type { MethodContract } from "../contract/method.js";
import { workloadName } from "../contract/workloads.js";
import { codeName, errorFacts } from "../errors.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { arrivalKey } from "./arrival.js";
import type { Layer } from "./chain.js";
import type { Hooks } from "./hooks.js";
import { beginCall, correlationHeader } from "./identify.js";
import type { Request } from "./next.js";
import { onSettled } from "./settle.js";

/** What the outermost layer needs. */
export interface ObserveOptions {
  readonly workload: Workload;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Whether callers are workloads, whose request ids are ours. */
  readonly trustRequestId: boolean;
}

/** What is known of a call from its beginning. */
interface Begun {
  readonly call: Call;
  /** By the monotonic clock. */
  readonly start: number;
}

interface Outcome {
  readonly code: string;
  readonly seconds: number;
  readonly error: unknown;
}

/**
 * Gives a call its ids, one log line and its metrics, whatever happens
 * inside. A stream counts when it ends, not when it starts.
 */
export function observe(options: ObserveOptions): Layer {
  const { log, clock } = options;
  const workload = workloadName(options.workload);
  return (contract) => {
    const { method } = contract;
    const labels = { workload, service: method.parent.typeName, method: method.name };
    const meter = options.metrics.serverMeter(labels);
    const settle = (request: Request, { call, start }: Begun, error?: unknown) => {
      const code = error === undefined ? "ok" : codeName(ConnectError.from(error).code);
      const seconds = (clock.monotonic() - start) / 1000;
      meter.end(code, seconds);
      const known = request.contextValues.get(callKey) ?? call;
      writeLine(log, contract, known, { code, seconds, error });
    };
    const hooks: Hooks<Begun> = {
      begin(request) {
        const call = beginCall(request, options.trustRequestId);
        request.contextValues.set(callKey, call);
        const arrival = request.contextValues.get(arrivalKey);
        if (arrival) arrival.reachedChain = true;
        meter.begin();
        if (!request.stream && log.enabled("debug")) {
          const fields = redactFields(method.input, request.message);
          log.debug("call received", {
            method: contract.name,
            correlationId: call.correlationId,
            fields,
          });
        }
        return { call, start: clock.monotonic() };
      },
      served(response, request, begun) {
        setOwn(response.header, correlationHeader, begun.call.correlationId);
        return onSettled(response, request, (error) => settle(request, begun, error));
      },
      failed(error, request, begun) {
        settle(request, begun, error);
        if (error instanceof ConnectError) error.metadata.set(correlationHeader, begun.call.correlationId);
      },
    };
    return hooks;
  };
}

function writeLine(log: Log, contract: MethodContract, call: Call, { code, seconds, error }: Outcome): void {
  const failure = error === undefined ? undefined : ConnectError.from(error);
  const fields = {
    correlationId: call.correlationId,
    method: contract.name,
    code,
    reason: failure && errorFacts(failure)?.reason,
    duration_ms: Math.round(seconds * 1e6) / 1000,
    request_id: call.requestId,
    principal: call.principal?.subject,
    tenant: call.principal?.tenant,
    caller: workloadName(call.caller),
  };
  if (failure?.code === Code.Internal)
    log.error("call failed", { ...fields, cause: failure.cause ?? failure });
  else if (failure?.code === Code.Unavailable) log.warn("call failed", { ...fields, cause: failure.cause });
  else log.info(failure ? "call refused" : "call served", fields);
}
