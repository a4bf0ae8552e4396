import { create, type DescMethodUnary, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import type { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Caller, callKey, callOf } from "../context.js";
import { errors } from "../errors.js";
import { invoke, type LocalMethods } from "./local.js";

/** Calls one method of a peer. */
export type PeerCall = (
  method: DescMethodUnary,
  request: MessageInitShape<DescMethodUnary["input"]>,
  caller: Caller,
) => Promise<Message>;

/** Calls methods of this process in memory, as the workload `self`. The verified principal goes along in the context. */
export function memoryCalls(options: { self: Workload; local: LocalMethods }): PeerCall {
  return async (method, request, caller) => {
    const target = options.local.get(method);
    if (!target) throw errors.methodUnknown({ method: method.name });
    const values = createContextValues().set(callKey, { ...callOf(caller), caller: options.self });
    const message = create(method.input, request);
    const response = await invoke(target, { message, signal: caller.signal, values });
    return response.message;
  };
}
