import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { MethodContract } from "../contract/method.js";
import { errors } from "../errors.js";
import { fuse, type Hooks } from "./hooks.js";

/**
 * One concern of serving a call. Asked once per method at boot: a layer that
 * has nothing to do for a method returns undefined and costs nothing there.
 * What only looks at a call as it comes in or ends returns hooks; what has to
 * stand around it, such as a time or a span, an interceptor.
 */
export type Layer = (method: MethodContract) => Hooks | Interceptor | undefined;

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
  const planned = layers.map((layer) => layer(contract)).filter((layer) => layer !== undefined);
  const interceptors = runsOf(planned).map((run) => (typeof run === "function" ? run : fuse(run)));
  return (next) => interceptors.reduceRight((inner, interceptor) => interceptor(inner), next);
}

/** The layers with hooks that stand beside each other taken together. */
function runsOf(layers: readonly (Hooks | Interceptor)[]): (Hooks[] | Interceptor)[] {
  const runs: (Hooks[] | Interceptor)[] = [];
  for (const layer of layers) {
    const last = runs.at(-1);
    if (typeof layer === "function") runs.push(layer);
    else if (Array.isArray(last)) last.push(layer);
    else runs.push([layer]);
  }
  return runs;
}
