import type { StreamRequest, UnaryRequest } from "@connectrpc/connect";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { callKey, callOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";

/** Proves which workload sent a request; UNSPECIFIED when nothing does. */
export type IdentifyWorkload = (request: UnaryRequest | StreamRequest) => Promise<Workload> | Workload;

/**
 * Lets only the workloads call that the contract names, in memory as on the
 * wire. Methods that every process serves about itself are open to whoever
 * reaches the port.
 */
export function checkCaller(identify: IdentifyWorkload): Layer {
  return (contract) => {
    if (contract.workload === undefined) return undefined;
    return (next) => async (request) => {
      const call = callOf({ values: request.contextValues });
      const caller = call.caller === Workload.UNSPECIFIED ? await identify(request) : call.caller;
      if (!contract.callers.has(caller)) {
        throw errors.callerNotAllowed({ caller: workloadName(caller), method: contract.name });
      }
      request.contextValues.set(callKey, { ...call, caller });
      return next(request);
    };
  };
}
