import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Answer, withAnswer } from "../answer.js";
import { openCallOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";
import type { Request } from "./next.js";

/** Proves which workload sent a request; UNSPECIFIED when nothing does. */
export type IdentifyWorkload = (request: Request) => Answer<Workload>;

/**
 * Lets only the workloads call that the contract names, in memory as on the
 * wire. Methods that every process serves about itself are open to whoever
 * reaches the port.
 */
export function checkCaller(identify: IdentifyWorkload): Layer {
  return (contract) => {
    if (contract.workload === undefined) return undefined;
    const { callers, name } = contract;
    const demand = (caller: Workload) => {
      if (!callers.has(caller)) throw errors.callerNotAllowed({ caller: workloadName(caller), method: name });
    };
    return {
      begin(request) {
        const call = openCallOf({ values: request.contextValues });
        if (call.caller !== Workload.UNSPECIFIED) return demand(call.caller);
        return withAnswer(identify(request), (caller) => {
          demand(caller);
          call.caller = caller;
        });
      },
    };
  };
}
