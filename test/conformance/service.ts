import { setTimeout as delay } from "node:timers/promises";
import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { anyPack, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import {
  conformanceService,
  type Header,
  registry,
  type StreamDefinition,
  type StreamRequest,
  type SuiteError,
  suiteMessage,
  type UnaryDefinition,
  type UnaryRequest,
} from "./messages.js";

const requestInfoDesc = suiteMessage("ConformancePayload.RequestInfo");

/** Answers as the suite's requests prescribe; `Unimplemented` is left out on purpose. */
export const conformanceHandlers = {
  unary: (request: UnaryRequest, context: HandlerContext) =>
    answerUnary(request.responseDefinition, [request], context),
  idempotentUnary: (request: UnaryRequest, context: HandlerContext) =>
    answerUnary(request.responseDefinition, [request], context),

  async clientStream(requests: AsyncIterable<UnaryRequest>, context: HandlerContext) {
    const received: UnaryRequest[] = [];
    for await (const request of requests) received.push(request);
    return answerUnary(received[0]?.responseDefinition, received, context);
  },

  async *serverStream(request: StreamRequest, context: HandlerContext) {
    const definition = request.responseDefinition;
    if (!definition) return;
    addMetadata(definition, context);
    const info = requestInfo([request], context);
    for (const [index, data] of definition.responseData.entries()) {
      await delay(definition.responseDelayMs);
      yield { payload: { data, ...(index === 0 && { requestInfo: info }) } };
    }
    if (definition.error)
      throw errorOf(definition.error, definition.responseData.length === 0 ? info : undefined);
  },

  async *bidiStream(requests: AsyncIterable<StreamRequest>, context: HandlerContext) {
    let definition: StreamDefinition | undefined;
    let fullDuplex = false;
    let sent = 0;
    let received: StreamRequest[] = [];
    for await (const request of requests) {
      if (received.length === 0 && !definition) {
        definition = request.responseDefinition;
        fullDuplex = request.fullDuplex ?? false;
        if (definition) addMetadata(definition, context);
      }
      received.push(request);
      if (!fullDuplex) continue;
      const data = definition?.responseData[sent];
      if (!definition || data === undefined) break;
      await delay(definition.responseDelayMs);
      const info = sent === 0 ? requestInfo(received, context) : { requests: received.map(packed) };
      yield { payload: { data, requestInfo: info } };
      sent += 1;
      received = [];
    }
    if (!definition) return;
    for (; sent < definition.responseData.length; sent += 1) {
      await delay(definition.responseDelayMs);
      const info = sent === 0 ? { requestInfo: requestInfo(received, context) } : {};
      yield { payload: { data: definition.responseData[sent], ...info } };
    }
    if (definition.error)
      throw errorOf(definition.error, sent === 0 ? requestInfo(received, context) : undefined);
  },
};

async function answerUnary(
  definition: UnaryDefinition | undefined,
  requests: readonly Message[],
  context: HandlerContext,
) {
  const info = requestInfo(requests, context);
  if (!definition) return { payload: { requestInfo: info } };
  addMetadata(definition, context);
  await delay(definition.responseDelayMs);
  const { response } = definition;
  if (response.case === "error") throw errorOf(response.value, info);
  return { payload: { requestInfo: info, ...(response.case && { data: response.value }) } };
}

function addMetadata(
  { responseHeaders, responseTrailers }: Pick<UnaryDefinition, "responseHeaders" | "responseTrailers">,
  context: HandlerContext,
): void {
  const add = (target: Headers, headers: readonly Header[]) => {
    for (const { name, value } of headers) for (const one of value) target.append(name, one);
  };
  add(context.responseHeader, responseHeaders);
  add(context.responseTrailer, responseTrailers);
}

/** What was received, to be told back. */
function requestInfo(requests: readonly Message[], context: HandlerContext) {
  const remaining = context.timeoutMs();
  const query = new URL(context.url, "http://localhost").searchParams;
  const names = [...new Set(query.keys())];
  return {
    requestHeaders: [...context.requestHeader].map(([name, value]) => ({ name, value: [value] })),
    requests: requests.map(packed),
    ...(remaining !== undefined && { timeoutMs: BigInt(Math.ceil(remaining)) }),
    ...(context.requestMethod === "GET" && {
      connectGetInfo: { queryParams: names.map((name) => ({ name, value: query.getAll(name) })) },
    }),
  };
}

function packed(message: Message) {
  return anyPack(registry.getMessage(message.$typeName)!, message);
}

function errorOf(error: SuiteError, info: object | undefined): ConnectError {
  const details = error.details.map((any) => {
    const value = anyUnpack(any, registry)!;
    return { desc: registry.getMessage(value.$typeName)!, value };
  });
  const told = info
    ? [{ desc: requestInfoDesc, value: create(requestInfoDesc as DescMessage, info as never) }]
    : [];
  return new ConnectError(error.message ?? "", error.code as Code, undefined, [...details, ...told]);
}

/** The handlers of every method but `Unimplemented`, which the server must refuse by itself. */
export const implementation = { service: conformanceService, handlers: conformanceHandlers };
