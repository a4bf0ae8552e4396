import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import type { ContextValues } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { CallValues } from "../calls/unary-call.js";
import { type Caller, callKey, callOf, OpenCall } from "../context.js";
import { errors } from "../errors.js";
import { invoke, invokeStream, type LocalCall, type LocalMethod, type LocalMethods } from "./local.js";
import { keyAlong, tellOfStream, tellReplay } from "./same-call.js";

/** Calls the methods of a peer. */
export interface PeerCalls {
  unary(
    method: DescMethodUnary,
    request: MessageInitShape<DescMethodUnary["input"]>,
    caller: Caller,
  ): Promise<Message>;
  /** The call begins when the messages are asked for, and ends with their iteration. */
  stream(
    method: DescMethodServerStreaming,
    request: MessageInitShape<DescMethodUnary["input"]>,
    caller: Caller,
  ): AsyncIterable<Message>;
}

/** Calls methods of this process in memory, as the workload `self`. The verified principal goes along in the context. */
export function memoryCalls(options: { self: Workload; local: LocalMethods }): PeerCalls {
  const targetOf = (method: DescMethod): LocalMethod => {
    const target = options.local.get(method);
    if (!target) throw errors.methodUnknown({ method: method.name });
    return target;
  };
  const valuesFor = (method: DescMethod, caller: Caller) => {
    const call = new OpenCall(callOf(caller));
    call.caller = options.self;
    call.idempotencyKey = keyAlong(caller, method);
    // Who acts for itself has no credential to pass on: the next one is asked by this workload, as on a wire.
    if (call.principal?.kind === "workload") call.principal = undefined;
    return new CallValues().set(callKey, call);
  };
  return {
    async unary(method, request, caller) {
      const message = create(method.input, request);
      const response = await invoke(
        targetOf(method),
        new MemoryCall(message, caller, valuesFor(method, caller)),
      );
      tellReplay(response.header, caller);
      return response.message;
    },
    async *stream(method, request, caller) {
      const target = targetOf(method);
      const messages = only(create(method.input, request));
      const response = await invokeStream(target, {
        messages,
        signal: caller.signal,
        values: valuesFor(method, caller),
      });
      for await (const message of response.message) {
        tellOfStream(response.header, caller);
        yield message;
      }
    },
  };
}

/** Leaves the caller's signal alone until somebody asks for it, as it may not have been made. */
class MemoryCall implements LocalCall {
  readonly #caller: Caller;

  constructor(
    readonly message: Message,
    caller: Caller,
    readonly values: ContextValues,
  ) {
    this.#caller = caller;
  }

  get signal(): AbortSignal {
    return this.#caller.signal;
  }
}

async function* only(message: Message) {
  yield message;
}
