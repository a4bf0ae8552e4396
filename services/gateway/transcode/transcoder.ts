import type { DescMethod, DescService } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import { errors } from "../../kit/errors.js";
import type { Bindable } from "./bind.js";
import { allowed, type Endpoint, lookUp, planEndpoints } from "./endpoint.js";
import { problemForm } from "./error-form.js";
import type { Exchange, RestRequest, RestResponse } from "./exchange.js";
import { planFailures } from "./failure.js";
import { createJsonCodec } from "./json.js";
import { defaultLimits, type TranscoderOptions } from "./options.js";
import { splitTarget } from "./path.js";
import { renderOptions } from "./render.js";
import { describeProblem, planRoutes, type RouteProblem } from "./route.js";
import { type CallStream, serveDownload, serveUpload } from "./serve-stream.js";
import { type CallUnary, serveUnary } from "./serve-unary.js";
import { wheelTimer } from "./timer.js";

/** A REST API, made of annotations. */
export interface Transcoder<Context> {
  /**
   * Answers a request, whatever becomes of it. Returns false, with nothing written, when no route has
   * its path. A failure to write an answer goes to `onError`.
   */
  handle(request: RestRequest, response: RestResponse, incoming: Context): boolean;
  /** Answers a request with an error, as if a route had failed before its call. */
  refuse(request: RestRequest, response: RestResponse, incoming: Context, error: ConnectError): void;
  /** Every binding, in the order of the contract. */
  readonly routes: readonly { method: DescMethod; httpMethod: string; template: string }[];
}

/** What a transcoder is made of. */
export interface TranscoderParts<Context> {
  readonly services: Iterable<DescService>;
  /** Calls a unary method. */
  readonly call: CallUnary<Context>;
  /** Calls a method that streams one way; without it, such methods are refused with STREAM_UNSUPPORTED. */
  readonly stream?: CallStream<Context>;
  readonly options: TranscoderOptions<Context>;
}

/** All that is wrong with the services' `google.api.http` annotations, conflicting routes included. */
export function findRouteProblems(services: Iterable<DescService>): RouteProblem[] {
  return planRoutes(services).problems;
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
    handle(request, response, incoming) {
      const exchange = exchangeOf(request, response, incoming);
      try {
        return serve(exchange);
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
  const { registry, startTimer = wheelTimer } = options;
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
  const { asError, fail } = planFailures(options, { milliseconds: limits.lingerMs, startTimer });
  const { stalledMs, keepAliveMs } = limits;
  const streaming = { registry, stalledMs, keepAliveMs, startTimer };

  const exchangeOf = (request: RestRequest, response: RestResponse, incoming: Context): Exchange<Context> => {
    const requestId = options.requestId(incoming);
    return { request, response, incoming, requestId, endpoint: undefined, form: problems, called: false };
  };

  const serve = (exchange: Exchange<Context>): boolean => {
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
    } else {
      exchange.endpoint = match.value;
      const bindable = { request: exchange.request, segments: match.segments, query };
      serveEndpoint(exchange, match.value, bindable).catch((failure) => fail(exchange, failure));
    }
    return true;
  };

  const serveEndpoint = (exchange: Exchange<Context>, plan: Endpoint, bindable: Bindable): Promise<void> => {
    if (plan.kind === "unary") return serveUnary(exchange, plan, bindable, call);
    const { method } = plan.route;
    if (!stream || plan.kind === "bidi_streaming") {
      throw errors.streamUnsupported({ method: `${method.parent.typeName}.${method.name}` });
    }
    if (plan.kind === "client_streaming") return serveUpload(exchange, { plan, bindable }, stream);
    const errorOf = (failure: unknown) => asError(exchange, failure);
    return serveDownload(exchange, { plan, bindable }, stream, { ...streaming, errorOf, form: plan.form });
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
