import type { DescMethod, DescMethodUnary, DescService } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { errorFacts, errors } from "../../kit/errors.js";
import type { StartTimer } from "./body.js";
import { createCall, type TranscodedCall, type TranscodedReply } from "./call.js";
import { allowed, type Endpoint, lookUp, planEndpoints } from "./endpoint.js";
import { type ErrorForm, problemForm } from "./error-form.js";
import type { RestRequest, RestResponse } from "./exchange.js";
import { createJsonCodec } from "./json.js";
import { defaultLimits, type TranscoderOptions } from "./options.js";
import { splitTarget } from "./path.js";
import { statusOf } from "./problem.js";
import { renderError, renderOptions } from "./render.js";
import { describeProblem, planRoutes, type RouteProblem } from "./route.js";
import type { Match } from "./router.js";
import { type CallStream, serveDownload, serveUpload } from "./serve-stream.js";

/** A REST API, made of annotations. */
export interface Transcoder<Context> {
  /** Answers a request. Resolves to false, with nothing written, when no route has its path. */
  handle(request: RestRequest, response: RestResponse, incoming: Context): Promise<boolean>;
  /** Answers a request with an error, as if a route had failed before its call. */
  refuse(request: RestRequest, response: RestResponse, incoming: Context, error: ConnectError): void;
  /** Every binding, in the order of the contract. */
  readonly routes: readonly { method: DescMethod; httpMethod: string; template: string }[];
}

/** What a transcoder is made of. */
export interface TranscoderParts<Context> {
  readonly services: Iterable<DescService>;
  /** Calls a unary method. */
  call(call: TranscodedCall<Context>): Promise<TranscodedReply>;
  /** Calls a method that streams one way; without it, such methods are refused with STREAM_UNSUPPORTED. */
  readonly stream?: CallStream<Context>;
  readonly options: TranscoderOptions<Context>;
}

/** All that is wrong with the services' `google.api.http` annotations, conflicting routes included. */
export function findRouteProblems(services: Iterable<DescService>): RouteProblem[] {
  return planRoutes(services).problems;
}

/** One request, and how far it has come. */
interface Exchange<Context> {
  readonly request: RestRequest;
  readonly response: RestResponse;
  readonly incoming: Context;
  readonly requestId: string;
  endpoint: Endpoint | undefined;
  form: ErrorForm;
  called: boolean;
}

/**
 * Turns `google.api.http` annotations into a REST API: each request is bound to
 * its method's message, `call` calls the method, its reply is printed. Throws
 * one error that names everything wrong with the annotations.
 */
export function createTranscoder<Context>(parts: TranscoderParts<Context>): Transcoder<Context> {
  const { routes, problems } = planRoutes(parts.services);
  if (problems.length > 0) throw new Error(`HTTP annotations:\n${problems.map(describeProblem).join("\n")}`);
  const { serve, fail, exchangeOf } = planHandling(parts, routes);
  return {
    async handle(request, response, incoming) {
      const exchange = exchangeOf(request, response, incoming);
      try {
        return await serve(exchange);
      } catch (failure) {
        fail(exchange, failure);
        return true;
      }
    },
    refuse: (request, response, incoming, error) => fail(exchangeOf(request, response, incoming), error),
    routes: routes.map(({ method, httpMethod, text }) => ({ method, httpMethod, template: text })),
  };
}

function planHandling<Context>(
  { call, stream, options }: TranscoderParts<Context>,
  routes: Parameters<typeof planEndpoints>[0],
) {
  const limits = { ...defaultLimits, ...options.limits };
  const { registry, startTimer = nodeTimer } = options;
  const problems = problemForm(registry);
  const router = planEndpoints(routes, {
    codec: options.codec ?? createJsonCodec({ registry, maxDepth: limits.depth }),
    limits,
    startTimer,
    ignoreUnknownFields: (method) => options.ignoreUnknownFields?.(method) ?? false,
    strictPreconditions: options.strictPreconditions ?? false,
    replyHeaders: (method) => options.replyHeaders?.(method) ?? {},
    errorForm: (method) => options.errorForm?.(method) ?? problems,
  });
  const lingering = { milliseconds: limits.lingerMs, startTimer };
  const { stalledMs, keepAliveMs } = limits;
  const streaming = { registry, stalledMs, keepAliveMs, startTimer };

  const exchangeOf = (request: RestRequest, response: RestResponse, incoming: Context): Exchange<Context> => {
    const requestId = options.requestId(incoming);
    return { request, response, incoming, requestId, endpoint: undefined, form: problems, called: false };
  };

  const serve = async (exchange: Exchange<Context>): Promise<boolean> => {
    const url = exchange.request.url ?? "";
    const { path, query } = splitTarget(url);
    const match = lookUp(router, exchange.request.method ?? "", path);
    if (match.kind === "none") return false;
    if (match.kind === "found") exchange.form = match.value.form;
    if (url.length > limits.urlLength) throw errors.urlTooLong({ limit: limits.urlLength });
    if (match.kind === "method") {
      const other = lookUp(router, match.allow[0] ?? "", path);
      if (other.kind === "found") exchange.form = other.value.form;
      answerOtherMethod(exchange, match.allow, path);
    } else await serveMatch(exchange, match, query);
    return true;
  };

  const serveMatch = async (
    exchange: Exchange<Context>,
    { value: endpoint, segments }: Extract<Match<Endpoint>, { kind: "found" }>,
    query: string,
  ): Promise<void> => {
    exchange.endpoint = endpoint;
    const { request, response, incoming } = exchange;
    const { method, text: route } = endpoint.route;
    const bindable = { request, segments, query };
    if (endpoint.kind === "unary") {
      const input = await endpoint.bind(bindable);
      const made = createCall({
        method: method as DescMethodUnary,
        route,
        input,
        request,
        response,
        incoming,
      });
      exchange.called = true;
      const reply = await call(made);
      if (!response.destroyed) endpoint.render(exchange, reply);
    } else if (!stream || endpoint.kind === "bidi_streaming") {
      throw errors.streamUnsupported({ method: `${method.parent.typeName}.${method.name}` });
    } else if (endpoint.kind === "client_streaming") {
      await serveUpload(exchange, { plan: endpoint, bindable }, stream);
    } else {
      const errorOf = (failure: unknown) => asError(exchange, failure);
      const rendering = { ...streaming, errorOf, form: endpoint.form };
      await serveDownload(exchange, { plan: endpoint, bindable }, stream, rendering);
    }
  };

  const asError = (exchange: Exchange<Context>, failure: unknown): ConnectError => {
    if (failure instanceof ConnectError) return failure;
    const method = exchange.endpoint?.route.method;
    options.onError?.(failure, { incoming: exchange.incoming, method });
    return errors.internal(failure);
  };

  const fail = (exchange: Exchange<Context>, failure: unknown): void => {
    const error = asError(exchange, failure);
    if (!exchange.called) reportRejection(exchange, error, options);
    const { response } = exchange;
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else renderError(exchange, error, { form: exchange.form, lingering });
  };

  return { serve, fail, exchangeOf };
}

function answerOtherMethod(exchange: Exchange<unknown>, methods: readonly string[], path: string): void {
  const httpMethod = exchange.request.method ?? "";
  const allow = allowed(methods);
  if (httpMethod === "OPTIONS") {
    renderOptions(exchange, allow);
    return;
  }
  const error = errors.methodNotAllowed({ path, http_method: httpMethod, allow });
  error.metadata.set("allow", allow);
  throw error;
}

function reportRejection<Context>(
  { request, incoming, endpoint }: Exchange<Context>,
  error: ConnectError,
  { onReject }: TranscoderOptions<Context>,
): void {
  onReject?.({
    incoming,
    httpMethod: request.method ?? "",
    route: endpoint?.route.text,
    method: endpoint?.route.method,
    status: statusOf(error),
    reason: errorFacts(error)?.reason,
    error,
  });
}

const nodeTimer: StartTimer = (milliseconds, fire) => {
  const timer = setTimeout(fire, milliseconds);
  return () => clearTimeout(timer);
};
