import { Code, ConnectError } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
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
import { beginCall, correlationHeader } from "./identify.js";
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
  const workload = workloadName(options.workload);
  return (contract) => {
    const { method } = contract;
    const labels = { workload, service: method.parent.typeName, method: method.name };
    return (next) => async (request) => {
      const call = beginCall(request, options.trustRequestId);
      request.contextValues.set(callKey, call);
      const arrival = request.contextValues.get(arrivalKey);
      if (arrival) arrival.reachedChain = true;
      const start = options.clock.monotonic();
      const done = options.metrics.rpcServer(labels);
      const settle = (error?: unknown) => {
        const code = error === undefined ? "ok" : codeName(ConnectError.from(error).code);
        const seconds = (options.clock.monotonic() - start) / 1000;
        done(code, seconds);
        writeLine(options.log, contract, request.contextValues.get(callKey) ?? call, {
          code,
          seconds,
          error,
        });
      };
      if (!request.stream && options.log.enabled("debug")) {
        const fields = redactFields(contract.method.input, request.message);
        options.log.debug("call received", {
          method: contract.name,
          correlationId: call.correlationId,
          fields,
        });
      }
      try {
        const response = await next(request);
        response.header.set(correlationHeader, call.correlationId);
        return onSettled(response, request.signal, settle);
      } catch (error) {
        settle(error);
        if (error instanceof ConnectError) error.metadata.set(correlationHeader, call.correlationId);
        throw error;
      }
    };
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
