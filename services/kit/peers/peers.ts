import type { DescMethodUnary, DescService, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../clock.js";
import { type Caller, callOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { codeName } from "../errors.js";
import type { Metrics } from "../metrics.js";
import type { PeerCall } from "./memory.js";

/**
 * A typed client of another service. The caller's context is a required
 * argument, so that deadline, identity and trace cannot be forgotten. Rejects
 * with `ConnectError`: the callee's catalogue error, DEPENDENCY_UNAVAILABLE
 * when it does not answer, or DEADLINE_EXCEEDED.
 */
export type Peer<S extends DescService> = {
  readonly [K in keyof S["method"] as S["method"][K] extends DescMethodUnary ? K : never]: (
    request: MessageInitShape<S["method"][K]["input"]>,
    caller: Caller,
  ) => Promise<MessageShape<S["method"][K]["output"]>>;
};

/** Makes the typed client of `service` over `call`, with client metrics. */
export function createPeer<S extends DescService>(
  service: S,
  call: PeerCall,
  options: { workload: Workload; metrics: Metrics; clock: Clock },
): Peer<S> {
  const peer = workloadName(options.workload);
  const methods = service.methods.filter((method) => method.methodKind === "unary");
  const entries = methods.map((method) => {
    const send = async (request: MessageInitShape<typeof method.input>, caller: Caller) => {
      // A call that has no context is refused before anything leaves.
      callOf(caller);
      const start = options.clock.monotonic();
      const settle = (code: string) => {
        options.metrics.clientRequests.add({ peer, method: method.name, code });
        const seconds = (options.clock.monotonic() - start) / 1000;
        options.metrics.clientDuration.observe(seconds, { peer, method: method.name });
      };
      try {
        const reply = await call(method as DescMethodUnary, request, caller);
        settle("ok");
        return reply;
      } catch (error) {
        settle(codeName(ConnectError.from(error).code));
        throw error;
      }
    };
    return [method.localName, send];
  });
  return Object.fromEntries(entries) as Peer<S>;
}
