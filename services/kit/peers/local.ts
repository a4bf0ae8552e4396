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
import { Metadata } from "../calls/metadata.js";
import { type CallOrigin, CallValues, UnaryCall, UnaryReply } from "../calls/unary-call.js";
import { messageMaker } from "../codec/codec.js";
import { errors } from "../errors.js";

/** A method of this process: its chain and its handler. */
export interface LocalMethod<M extends DescMethod = DescMethod> {
  readonly method: M;
  readonly plan: Interceptor;
  readonly handler: MethodImpl<M>;
}

/** The methods that this process serves, found when they are called. */
export type LocalMethods = Map<DescMethod, LocalMethod>;

/** What a call in memory starts from; its signal and headers are read when somebody needs them. */
interface LocalOrigin {
  readonly signal: AbortSignal;
  readonly values?: ContextValues;
  readonly header?: Headers;
}

/** A call with one message. */
export interface LocalCall extends LocalOrigin {
  readonly message: Message;
}

/** A call with any number of messages. */
export interface LocalStream extends LocalOrigin {
  readonly messages: AsyncIterable<Message>;
}

/** Serves a unary call by the method's chain and handler. Throws at once or rejects. */
export type ServeUnary = (call: UnaryCall) => Promise<UnaryResponse>;

const composed = new WeakMap<LocalMethod, ServeUnary>();

/** The chain of a unary method around its handler, composed once. */
export function serveUnary(target: LocalMethod): ServeUnary {
  const known = composed.get(target);
  if (known) return known;
  const { method, plan, handler } = target as LocalMethod<DescMethodUnary>;
  const make = messageMaker(method.output);
  const serve = plan(async (request) => {
    const call = UnaryCall.of(request as UnaryRequest);
    try {
      const reply = await handler(call.message, call);
      return new UnaryReply(call, make(reply));
    } finally {
      call.release();
    }
  }) as ServeUnary;
  composed.set(target, serve);
  return serve;
}

/**
 * Calls a unary method through its chain without a wire. Messages pass by
 * reference, both ways: who sends one gives it away, and nobody changes it
 * afterwards. Rejects, or throws what the outermost layer throws at once.
 */
export function invoke(target: LocalMethod, call: LocalCall): Promise<UnaryResponse> {
  const method = target.method as DescMethodUnary;
  const { message, values = new CallValues() } = call;
  const origin = new MemoryOrigin(method, call);
  return serveUnary(target)(new UnaryCall({ method, message, values, origin }));
}

/**
 * Calls a method that streams through its chain without a wire. Whoever reads
 * the answer ends it early by the signal; a handler that waits for its reader
 * hears of `return` too.
 */
export function invokeStream(target: LocalMethod, call: LocalStream): Promise<StreamResponse> {
  const { method, plan, handler } = target as LocalMethod<DescMethodStreaming>;
  const request: StreamRequest = {
    ...streamOrigin(method, call),
    stream: true,
    method,
    message: call.messages,
  };
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

/** Where a call without a wire of its own comes from. Headers and signal are asked of it when somebody needs them. */
export class MemoryOrigin implements CallOrigin {
  readonly #method: DescMethod;
  readonly #call: LocalOrigin;

  constructor(method: DescMethod, call: LocalOrigin) {
    this.#method = method;
    this.#call = call;
  }

  get header(): Headers {
    return this.#call.header ?? new Metadata();
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get url(): string {
    return urlOf(this.#method);
  }

  get requestMethod(): string {
    return "POST";
  }

  get protocolName(): string {
    return "memory";
  }

  timeoutMs(): undefined {
    // The chain's deadline layer already bounds the call.
    return undefined;
  }
}

function urlOf({ parent, name }: DescMethod): string {
  return `memory:///${parent.typeName}/${name}`;
}

function streamOrigin(method: DescMethod, { signal, header, values }: LocalOrigin) {
  return {
    service: method.parent,
    url: urlOf(method),
    requestMethod: "POST",
    signal,
    header: header ?? new Headers(),
    contextValues: values ?? createContextValues(),
  };
}

function handlerContext(request: StreamRequest): HandlerContext {
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
