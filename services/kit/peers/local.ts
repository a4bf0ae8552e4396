import { create, type DescMethod, type DescMethodUnary, type Message } from "@bufbuild/protobuf";
import {
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type MethodImpl,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";

/** A unary method of this process: its chain and its handler. */
export interface LocalMethod {
  readonly method: DescMethodUnary;
  readonly plan: Interceptor;
  readonly handler: MethodImpl<DescMethodUnary>;
}

/** The unary methods that this process serves, found when they are called. */
export type LocalMethods = Map<DescMethod, LocalMethod>;

/** What a call in memory starts from. */
export interface LocalCall {
  readonly message: Message;
  readonly signal: AbortSignal;
  readonly values?: ContextValues;
  readonly header?: Headers;
}

/**
 * Calls a method through its chain without a wire. The message passes by
 * reference: neither side may change it afterwards.
 */
export function invoke({ method, plan, handler }: LocalMethod, call: LocalCall): Promise<UnaryResponse> {
  const request: UnaryRequest = {
    stream: false,
    service: method.parent,
    method,
    url: `memory:///${method.parent.typeName}/${method.name}`,
    requestMethod: "POST",
    signal: call.signal,
    header: call.header ?? new Headers(),
    contextValues: call.values ?? createContextValues(),
    message: call.message,
  };
  const run = plan(async (inner) => {
    const context = handlerContext(inner as UnaryRequest);
    const reply = await handler(inner.message as Message, context);
    return {
      stream: false,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message: create(method.output, reply),
    };
  });
  return run(request) as Promise<UnaryResponse>;
}

function handlerContext(request: UnaryRequest): HandlerContext {
  return {
    service: request.service,
    method: request.method,
    signal: request.signal,
    // The chain's deadline layer already bounds the call.
    timeoutMs: () => undefined,
    requestMethod: request.requestMethod,
    requestHeader: request.header,
    responseHeader: new Headers(),
    responseTrailer: new Headers(),
    protocolName: "memory",
    values: request.contextValues,
    url: request.url,
  };
}
