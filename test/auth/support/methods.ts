import {
  create,
  type DescMethodUnary,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { createContextValues, type HandlerContext } from "@connectrpc/connect";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { type Call, callKey } from "../../../services/kit/context.js";
import { newId } from "../../../services/kit/ids.js";
import type { Served } from "../../../services/kit/workload.js";
import type { CallOptions } from "./auth.js";

/** The unary methods of a service, without the chain. */
export type MethodsOf<S extends DescService> = {
  readonly [K in keyof S["method"] as S["method"][K] extends DescMethodUnary ? K : never]: (
    request: MessageInitShape<S["method"][K]["input"]>,
  ) => Promise<MessageShape<S["method"][K]["output"]>>;
};

type Handler = (request: unknown, context: HandlerContext) => Promise<object>;

/** The methods of one service of a started workload, with everything below them. */
export function methodsOf<S extends DescService>(
  served: Served,
  service: S,
  options: CallOptions & { readonly idempotencyKey?: string } = {},
): MethodsOf<S> {
  const found = served.implementations.find((one) => one.service === service);
  const handlers = (found?.handlers ?? {}) as unknown as Record<string, Handler>;
  const entries = service.methods.map((method) => {
    const { input, output, localName } = method as DescMethodUnary;
    const call = async (request: MessageInitShape<typeof input>) => {
      const message = create(input, request as never);
      const name = `${service.typeName}/${method.name}`;
      return create(output, (await handlers[localName]?.(message, contextOf(name, options))) as never);
    };
    return [localName, call];
  });
  return Object.fromEntries(entries) as MethodsOf<S>;
}

function contextOf(
  method: string,
  {
    principal,
    caller = Workload.GATEWAY,
    client,
    signal,
    idempotencyKey,
  }: CallOptions & { idempotencyKey?: string },
): HandlerContext {
  const call: Call = {
    requestId: newId(),
    correlationId: "test",
    caller,
    client,
    principal,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
    ...(idempotencyKey && { idempotencyKey: { method, value: idempotencyKey } }),
  };
  const values = createContextValues().set(callKey, call);
  const responseHeader = new Headers();
  return {
    values,
    responseHeader,
    signal: signal ?? new AbortController().signal,
  } as HandlerContext;
}
