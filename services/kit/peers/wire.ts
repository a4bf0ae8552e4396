import type { DescMethod } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { clientAddressHeader, clientAgentHeader } from "../chain/client.js";
import { correlationHeader, requestIdHeader } from "../chain/identify.js";
import { beginClientSpan, type ClientSpan } from "../client-span.js";
import type { Clock } from "../clock.js";
import { type Call, type Caller, callOf } from "../context.js";
import type { MethodContract } from "../contract/method.js";
import { workloadName } from "../contract/workloads.js";
import { errorFacts, errors } from "../errors.js";
import { idempotencyHeader, replayedHeader } from "../idempotency/key.js";
import { injectContext, traceParent } from "../spans.js";
import { workloadTokenHeader } from "../tokens.js";
import { isLost } from "./failures.js";
import type { PeerCalls } from "./memory.js";
import type { Resilience } from "./resilience.js";
import { keyAlong, tellOfStream, tellReplay } from "./same-call.js";

/** A wire to one peer. */
export interface Wire {
  readonly peer: Workload;
  readonly resilience: Resilience;
  readonly clock: Clock;
  /** A token for the peer in the principal's name; undefined when the call has none. */
  principalToken(caller: Caller): Promise<string | undefined>;
  /** A token that proves our workload to the peer; undefined when a mesh does. */
  workloadToken(): Promise<string | undefined>;
}

/** Calls methods of a peer over HTTP/2, with deadline, identity, ids and trace of the caller. */
export function wireCalls(wire: Wire, methods: ReadonlyMap<DescMethod, MethodContract>): PeerCalls {
  const send = async <T>(method: DescMethod, caller: Caller, run: (sending: Sending) => Promise<T>) => {
    const call = callOf(caller);
    const contract = methods.get(method);
    const key = keyAlong(caller, method);
    const header = await outgoingHeader(wire, caller, contract?.access.kind === "public");
    if (key) header[idempotencyHeader] = key.value;
    const timeoutMs = remaining(call, wire.clock);
    try {
      return await wire.resilience.run(
        // With a key a second attempt has no second effect either.
        contract?.idempotent || key !== undefined,
        (transport) => run({ transport, header, left: remaining(call, wire.clock) }),
        caller.signal,
      );
    } catch (error) {
      throw translate(error, { peer: wire.peer, timeoutMs, signal: caller.signal });
    }
  };
  const peer = workloadName(wire.peer);
  return {
    unary: (method, request, caller) => {
      const call = () =>
        send(method, caller, async ({ transport, header, left }) => {
          const response = await transport.unary(method, caller.signal, left, header, request);
          tellReplay(response.header, caller);
          return response.message;
        });
      const span = beginClientSpan(method, peer);
      return span ? measured(span, call) : call();
    },
    async *stream(method, request, caller) {
      const span = beginClientSpan(method, peer);
      let failure: unknown;
      const ending = new AbortController();
      const abort = () => ending.abort(caller.signal.reason);
      caller.signal.addEventListener("abort", abort);
      try {
        // What is repeated is the beginning of a stream, never a stream that has begun.
        const begin = () =>
          send(method, caller, (sending) =>
            sending.transport.stream(method, ending.signal, sending.left, sending.header, only(request)),
          );
        const response = await (span ? span.run(begin) : begin());
        tellOfStream(response.header, caller);
        yield* response.message;
      } catch (error) {
        const timeoutMs = remaining(callOf(caller), wire.clock);
        failure = translate(error, { peer: wire.peer, timeoutMs, signal: caller.signal });
        throw failure;
      } finally {
        span?.end(failure);
        caller.signal.removeEventListener("abort", abort);
        ending.abort();
      }
    },
  };
}

async function measured<T>(span: ClientSpan, call: () => Promise<T>): Promise<T> {
  try {
    const answer = await span.run(call);
    span.end();
    return answer;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

interface Sending {
  readonly transport: Transport;
  readonly header: OutgoingHeader;
  /** Milliseconds. */
  readonly left: number | undefined;
}

async function* only<T>(message: T) {
  yield message;
}

/** Plain, since an instance of `Headers` costs more than all else here. */
type OutgoingHeader = Record<string, string>;

async function outgoingHeader(wire: Wire, caller: Caller, isPublic: boolean): Promise<OutgoingHeader> {
  const call = callOf(caller);
  const header: OutgoingHeader = {
    [requestIdHeader]: call.requestId,
    [correlationHeader]: call.correlationId,
    ...tracing(call),
  };
  tellClient(call, header);
  const workloadToken = await wire.workloadToken();
  if (workloadToken) header[workloadTokenHeader] = workloadToken;
  // A public method asks for no principal; the exchange of tokens is one itself.
  const principalToken = isPublic ? undefined : await wire.principalToken(caller);
  if (principalToken) header.authorization = `Bearer ${principalToken}`;
  return header;
}

function tellClient({ client }: Call, header: OutgoingHeader): void {
  if (!client?.address) return;
  header[clientAddressHeader] = client.address;
  if (client.agent) header[clientAgentHeader] = client.agent;
}

function tracing({ sampledOut }: Call): OutgoingHeader | undefined {
  if (traceParent() === "") return sampledOut === undefined ? undefined : { traceparent: sampledOut };
  const header = new Headers();
  injectContext(header);
  return Object.fromEntries(header);
}

function remaining(call: Call, clock: Clock): number | undefined {
  return Number.isFinite(call.deadline) ? Math.max(1, Math.floor(call.deadline - clock.now())) : undefined;
}

// Only what the catalogue knows goes on to our own caller; of the peer's metadata, only that it repeats itself.
function translate(
  error: unknown,
  { peer, timeoutMs = 0, signal }: { peer: Workload; timeoutMs: number | undefined; signal: AbortSignal },
): ConnectError {
  const received = ConnectError.from(error);
  if (errorFacts(received)) {
    const clean = new ConnectError(received.rawMessage, received.code, undefined, undefined, received);
    clean.details = received.details;
    const mark = received.metadata.get(replayedHeader);
    if (mark !== null) clean.metadata.set(replayedHeader, mark);
    return clean;
  }
  if (isLost(received, signal))
    return errors.dependencyUnavailable({ dependency: workloadName(peer) }, error);
  switch (received.code) {
    case Code.DeadlineExceeded:
      return errors.deadlineExceeded({ deadline_ms: timeoutMs }, error);
    case Code.Canceled:
      return timedOut(signal)
        ? errors.deadlineExceeded({ deadline_ms: timeoutMs }, error)
        : errors.canceled(error);
    default:
      return errors.internal(error);
  }
}

/** Whether `AbortSignal.timeout` ended the call, which Connect reports as cancelled. */
function timedOut({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof Error && reason.name === "TimeoutError";
}
