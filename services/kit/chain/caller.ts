import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { callKey, callOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { errors } from "../errors.js";
import type { Layer } from "./chain.js";
import type { Request } from "./next.js";

/** Proves which workload sent a request; UNSPECIFIED when nothing does. */
export type IdentifyWorkload = (request: Request) => Promise<Workload> | Workload;

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
    const admit = ({ contextValues }: Request, caller: Workload) => {
      demand(caller);
      contextValues.set(callKey, { ...callOf({ values: contextValues }), caller });
    };
    return {
      begin(request) {
        const { caller } = callOf({ values: request.contextValues });
        if (caller !== Workload.UNSPECIFIED) return demand(caller);
        const identified = identify(request);
        return typeof identified === "number"
          ? admit(request, identified)
          : identified.then((proved) => admit(request, proved));
      },
    };
  };
}
