import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { MethodContract } from "../contract/method.js";
import { errors } from "../errors.js";

/**
 * One concern of serving a call. Asked once per method at boot: a layer that
 * has nothing to do for a method returns undefined and costs nothing there.
 */
export type Layer = (method: MethodContract) => Interceptor | undefined;

/** The interceptor of each method: its layers, outermost first. */
export type Plans = ReadonlyMap<DescMethod, Interceptor>;

/** Plans every method. The order of `layers` is the order in which a call passes them. */
export function planChain(methods: ReadonlyMap<DescMethod, MethodContract>, layers: readonly Layer[]): Plans {
  return new Map([...methods].map(([method, contract]) => [method, planMethod(contract, layers)]));
}

/** The plans as one interceptor for Connect's router. A method without a plan is refused. */
export function forConnect(plans: Plans): Interceptor {
  return (next) => (request) => {
    const plan = plans.get(request.method);
    if (!plan) throw errors.methodUnknown({ method: request.method.name });
    return plan(next)(request);
  };
}

function planMethod(contract: MethodContract, layers: readonly Layer[]): Interceptor {
  const interceptors = layers.map((layer) => layer(contract)).filter((layer) => layer !== undefined);
  return (next) => interceptors.reduceRight((inner, interceptor) => interceptor(inner), next);
}
