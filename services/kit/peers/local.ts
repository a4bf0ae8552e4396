import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type Message,
  type MessageInitShape,
} from "@bufbuild/protobuf";
import {
  type ContextValues,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type MethodImpl,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { errors } from "../errors.js";

/** A method of this process: its chain and its handler. */
export interface LocalMethod<M extends DescMethod = DescMethod> {
  readonly method: M;
  readonly plan: Interceptor;
  readonly handler: MethodImpl<M>;
}

/** The methods that this process serves, found when they are called. */
export type LocalMethods = Map<DescMethod, LocalMethod>;

/** What a call in memory starts from. */
interface CallOrigin {
  readonly signal: AbortSignal;
  readonly values?: ContextValues;
  readonly header?: Headers;
}

/** A call with one message. */
export interface LocalCall extends CallOrigin {
  readonly message: Message;
}

/** A call with any number of messages. */
export interface LocalStream extends CallOrigin {
  readonly messages: AsyncIterable<Message>;
}

/**
 * Calls a unary method through its chain without a wire. The message passes by
 * reference: neither side may change it afterwards.
 */
export function invoke(target: LocalMethod, call: LocalCall): Promise<UnaryResponse> {
  const { method, plan, handler } = target as LocalMethod<DescMethodUnary>;
  const request: UnaryRequest = { ...origin(method, call), stream: false, method, message: call.message };
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

/**
 * Calls a method that streams through its chain without a wire. Whoever reads
 * the answer ends it early by the signal; a handler that waits for its reader
 * hears of `return` too.
 */
export function invokeStream(target: LocalMethod, call: LocalStream): Promise<StreamResponse> {
  const { method, plan, handler } = target as LocalMethod<DescMethodStreaming>;
  const request: StreamRequest = { ...origin(method, call), stream: true, method, message: call.messages };
  const run = plan(async (inner) => {
    const context = handlerContext(inner as StreamRequest);
    const answers = await answersOf(method, handler, inner.message as AsyncIterable<Message>, context);
    return {
      stream: true,
      service: method.parent,
      method,
      header: context.responseHeader,
      trailer: context.responseTrailer,
      message: completed(method, answers),
    };
  });
  return run(request) as Promise<StreamResponse>;
}

type Handler = (input: unknown, context: HandlerContext) => AsyncIterable<object> | Promise<object>;

async function answersOf(
  { methodKind }: DescMethodStreaming,
  handler: unknown,
  input: AsyncIterable<Message>,
  context: HandlerContext,
): Promise<AsyncIterable<object>> {
  const handle = handler as Handler;
  if (methodKind === "client_streaming") return only((await handle(input, context)) as object);
  const given = methodKind === "server_streaming" ? await single(input) : input;
  return handle(given, context) as AsyncIterable<object>;
}

/** The one message of a request. */
async function single(messages: AsyncIterable<Message>): Promise<Message> {
  for await (const message of messages) return message;
  throw errors.internal(new Error("a call in memory began without its message"));
}

async function* only<T>(value: T) {
  yield value;
}

// No generator: one that waits for a message does not hear of return().
function completed({ output }: DescMethod, answers: AsyncIterable<object>): AsyncIterable<Message> {
  return {
    [Symbol.asyncIterator]() {
      const inner = answers[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await inner.next();
          return result.done
            ? result
            : { done: false, value: create(output, result.value as MessageInitShape<DescMessage>) };
        },
        async return(value) {
          await inner.return?.(value);
          return { done: true, value };
        },
      };
    },
  };
}

function origin(method: DescMethod, { signal, header, values }: CallOrigin) {
  return {
    service: method.parent,
    url: `memory:///${method.parent.typeName}/${method.name}`,
    requestMethod: "POST",
    signal,
    header: header ?? new Headers(),
    contextValues: values ?? createContextValues(),
  };
}

function handlerContext(request: UnaryRequest | StreamRequest): HandlerContext {
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
