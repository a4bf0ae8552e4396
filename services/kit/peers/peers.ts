import type {
  DescMethod,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "../clock.js";
import { type Caller, callOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { codeName } from "../errors.js";
import type { Metrics } from "../metrics.js";
import type { PeerCalls } from "./memory.js";

/**
 * A typed client of another service. The caller's context is a required
 * argument, so that deadline, identity and trace cannot be forgotten. Rejects
 * with `ConnectError`: the callee's catalogue error, DEPENDENCY_UNAVAILABLE
 * when it does not answer, or DEADLINE_EXCEEDED. A stream begins when its first
 * message is asked for, and ends early by the caller's signal or by leaving its
 * iteration.
 */
export type Peer<S extends DescService> = {
  readonly [K in keyof S["method"] as S["method"][K] extends Callable ? K : never]: (
    request: MessageInitShape<S["method"][K]["input"]>,
    caller: Caller,
  ) => S["method"][K] extends DescMethodUnary
    ? Promise<MessageShape<S["method"][K]["output"]>>
    : AsyncIterable<MessageShape<S["method"][K]["output"]>>;
};

type Callable = DescMethodUnary | DescMethodServerStreaming;

type Request = MessageInitShape<DescMethodUnary["input"]>;

/** Makes the typed client of `service` over `calls`, with client metrics; a stream counts when it ends. */
export function createPeer<S extends DescService>(
  service: S,
  calls: PeerCalls,
  options: { workload: Workload; metrics: Metrics; clock: Clock },
): Peer<S> {
  const begin = planMeasurement(options);
  const entries = service.methods.map((method) => {
    const { methodKind, localName } = method;
    if (methodKind === "unary") return [localName, measuredCall(method as DescMethodUnary, calls, begin)];
    if (methodKind !== "server_streaming") return [];
    return [localName, measuredStream(method as DescMethodServerStreaming, calls, begin)];
  });
  return Object.fromEntries(entries.filter(([name]) => name !== undefined)) as Peer<S>;
}

type Begin = (method: DescMethod) => () => (error?: unknown) => void;

/** What measures the calls of a method: begin each, and settle it once. */
function planMeasurement({ workload, metrics, clock }: Parameters<typeof createPeer>[2]): Begin {
  const peer = workloadName(workload);
  return ({ name: method }) => {
    const meter = metrics.clientMeter({ peer, method });
    return () => {
      const start = clock.monotonic();
      return (error) => {
        const code = error === undefined ? "ok" : codeName(ConnectError.from(error).code);
        meter.end(code, (clock.monotonic() - start) / 1000);
      };
    };
  };
}

function measuredCall(method: DescMethodUnary, calls: PeerCalls, plan: Begin) {
  const begin = plan(method);
  return async (request: Request, caller: Caller) => {
    // A call that has no context is refused before anything leaves.
    callOf(caller);
    const settle = begin();
    try {
      const reply = await calls.unary(method, request, caller);
      settle();
      return reply;
    } catch (error) {
      settle(error);
      throw error;
    }
  };
}

function measuredStream(method: DescMethodServerStreaming, calls: PeerCalls, plan: Begin) {
  const begin = plan(method);
  return async function* (request: Request, caller: Caller) {
    callOf(caller);
    const settle = begin();
    let failure: unknown;
    try {
      yield* calls.stream(method, request, caller);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      settle(failure);
    }
  };
}
