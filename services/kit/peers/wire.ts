import type { DescMethodUnary, Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { correlationHeader, requestIdHeader } from "../chain/identify.js";
import type { Clock } from "../clock.js";
import { type Call, type Caller, callOf } from "../context.js";
import { workloadName } from "../contract/workloads.js";
import { errorFacts, errors } from "../errors.js";
import { injectContext } from "../telemetry.js";
import { workloadTokenHeader } from "../tokens.js";
import type { PeerCall } from "./memory.js";
import type { Resilience } from "./resilience.js";

/** What a wire to one peer needs. */
export interface WireOptions {
  readonly peer: Workload;
  readonly transport: Transport;
  readonly resilience: Resilience;
  readonly clock: Clock;
  /** Whether a method may be called twice. */
  isIdempotent(method: DescMethodUnary): boolean;
  /** A token for the peer in the principal's name; undefined when the call has no principal. */
  principalToken(caller: Caller): Promise<string | undefined>;
  /** A token that proves our workload to the peer; undefined when a mesh does. */
  workloadToken(): Promise<string | undefined>;
}

/** Calls methods of a peer over HTTP/2, with deadline, identity, ids and trace of the caller. */
export function wireCalls(options: WireOptions): PeerCall {
  return async (method, request, caller) => {
    const call = callOf(caller);
    const header = await outgoingHeader(options, caller, call);
    const send = async (): Promise<Message> => {
      const response = await options.transport.unary(
        method,
        caller.signal,
        remaining(call, options.clock),
        header,
        request,
      );
      return response.message;
    };
    try {
      return await options.resilience.run(options.isIdempotent(method), send, caller.signal);
    } catch (error) {
      throw translate(error, options.peer, call);
    }
  };
}

async function outgoingHeader(options: WireOptions, caller: Caller, call: Call): Promise<Headers> {
  const header = new Headers({ [requestIdHeader]: call.requestId, [correlationHeader]: call.correlationId });
  injectContext(header);
  const workloadToken = await options.workloadToken();
  if (workloadToken) header.set(workloadTokenHeader, workloadToken);
  const principalToken = await options.principalToken(caller);
  if (principalToken) header.set("authorization", `Bearer ${principalToken}`);
  return header;
}

function remaining(call: Call, clock: Clock): number | undefined {
  return Number.isFinite(call.deadline) ? Math.max(1, Math.floor(call.deadline - clock.now())) : undefined;
}

// Only what the catalogue knows goes on to our own caller; the peer's metadata never does.
function translate(error: unknown, peer: Workload, call: Call): ConnectError {
  const received = ConnectError.from(error);
  if (errorFacts(received)) {
    const clean = new ConnectError(received.rawMessage, received.code, undefined, undefined, received);
    clean.details = received.details;
    return clean;
  }
  switch (received.code) {
    case Code.Unavailable:
      return errors.dependencyUnavailable({ dependency: workloadName(peer) }, error);
    case Code.DeadlineExceeded:
      return errors.deadlineExceeded({ deadline_ms: Math.max(0, Math.round(call.deadline)) }, error);
    case Code.Canceled:
      return errors.canceled(error);
    default:
      return errors.internal(error);
  }
}
