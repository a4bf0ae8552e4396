import type { ImageContract } from "./contract.js";

/** `caller` may call at least one method of `callee`. */
export interface Edge {
  readonly caller: string;
  readonly callee: string;
}

/**
 * Who calls whom among the workloads, inverted from what callees declare. A
 * workload may call its other replicas, but the gateway, which as a caller
 * stands for everybody outside, does not.
 */
export function callGraph({ methods }: ImageContract): Edge[] {
  const edges = new Map<string, Edge>();
  for (const { workload: callee, callers } of methods) {
    if (callee === undefined) continue;
    const calling = callee === "gateway" ? callers.filter((caller) => caller !== callee) : callers;
    for (const caller of calling) edges.set(`${caller} ${callee}`, { caller, callee });
  }
  return [...edges.keys()].sort().map((key) => edges.get(key)!);
}

/** The workloads that `caller` calls. */
export function calleesOf(graph: readonly Edge[], caller: string): string[] {
  return graph.filter((edge) => edge.caller === caller).map(({ callee }) => callee);
}

/** The workloads that call `callee`. */
export function callersOf(graph: readonly Edge[], callee: string): string[] {
  return graph.filter((edge) => edge.callee === callee).map(({ caller }) => caller);
}
