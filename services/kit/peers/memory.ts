import {
  create,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Caller, callKey, callOf } from "../context.js";
import { errors } from "../errors.js";
import { invoke, invokeStream, type LocalMethod, type LocalMethods } from "./local.js";
import { keyAlong, tellReplay } from "./same-call.js";

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
    const idempotencyKey = keyAlong(caller, method);
    return createContextValues().set(callKey, { ...callOf(caller), caller: options.self, idempotencyKey });
  };
  return {
    async unary(method, request, caller) {
      const target = targetOf(method);
      const message = create(method.input, request);
      const values = valuesFor(method, caller);
      const response = await invoke(target, { message, signal: caller.signal, values });
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
      yield* response.message;
    },
  };
}

async function* only(message: Message) {
  yield message;
}
