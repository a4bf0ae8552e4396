import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type Arrival, arrivalKey } from "../chain/arrival.js";
import { forConnect, type Plans } from "../chain/chain.js";
import { parseTimeout, timeoutHeaders } from "../chain/deadline.js";
import { correlationId } from "../chain/identify.js";
import { errorFacts, errors } from "../errors.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import type { Implementation } from "../workload.js";
import { type ArrivalTrust, noteArrival } from "./arrivals.js";
import type { Request, RequestHandler, Response, StreamHandler } from "./listen.js";
import { keepPace, type Pace } from "./pace.js";
import { isGrpc, refuse, refuseGrpc } from "./refusal.js";
import { excessOf, type RequestLimits } from "./request-limits.js";
import { leaveTrailersOnly } from "./trailers-only.js";
import { requestOf } from "./unary/stream-request.js";
import { createUnaryPath } from "./unary/unary.js";
import { takeInUnread } from "./unread-body.js";

const longestTimer = 2 ** 31 - 1;
/** How long a body may stall. Longer than REST gives it, whose answer says more. */
const paceWindowMs = 15_000;

/** Answers over REST what is no RPC. */
export type RestHandler = (request: Request, response: Response, arrival: Arrival) => void | Promise<void>;

/** What one port serves. */
export interface EndpointOptions {
  readonly implementations: readonly Implementation[];
  readonly plans: Plans;
  readonly rest: RestHandler;
  readonly trust: ArrivalTrust;
  readonly limits: RequestLimits;
  /** Types that `google.protobuf.Any` may hold in Connect's JSON. */
  readonly registry?: Registry;
  /** How a body must arrive until its call begins; by `limits` unless given. */
  readonly pace?: Pace;
  /** Whether unary calls are served without Connect's handlers; they are unless told otherwise. */
  readonly fastPath?: boolean;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Serves Connect, gRPC and gRPC-Web of the implementations, and REST for the rest, under one chain. */
export function createEndpoint(options: EndpointOptions): RequestHandler {
  const { limits } = options;
  const pace = options.pace ?? {
    windowMs: paceWindowMs,
    leastBytes: (limits.bodyBytesPerSecond * paceWindowMs) / 1000,
  };
  const arrivals = new WeakMap<object, Arrival>();
  const arrivalOf = (request: object) => arrivals.get(request);
  const isMethod = methodPaths(options.implementations);
  const rpc = connectNodeAdapter({
    // Options of service() would replace the chain, so that argument is never given.
    routes: (router) => {
      for (const { service, handlers } of options.implementations) router.service(service, handlers);
    },
    interceptors: [forConnect(options.plans)],
    readMaxBytes: limits.bodyBytes,
    ...(options.registry && { jsonOptions: { registry: options.registry } }),
    contextValues: (request) => createContextValues().set(arrivalKey, arrivalOf(request)),
  });
  const serveAny: RequestHandler = (request, response) => {
    const arrival = noteArrival(request, options.trust);
    if (isGrpc(request) && "stream" in response) leaveTrailersOnly(response);
    const method = isMethod(pathOf(request));
    const release = method ? beginMethod(request, response, arrival) : nothing;
    response.on("close", () => {
      release();
      if (!arrival.reachedChain && !arrival.answered) logRejection(options, request, response, arrival);
    });
    const excess = excessOf(request, limits);
    if (excess) {
      arrival.rejection = errorFacts(excess)?.reason ?? "";
      refuse(request, response, excess, { isMethod: method, requestId: arrival.requestId });
    } else if (method) rpc(request as IncomingMessage, response as ServerResponse);
    else if (isGrpc(request)) refuseUnknown(request, response, arrival);
    else answerRest(options, request, response, arrival);
  };
  const beginMethod = (request: Request, response: Response, arrival: Arrival) => {
    dropEndlessTimeout(request);
    arrivals.set(request, arrival);
    const release = keepPace(request, pace, () => cutOff(response, arrival));
    takeInUnread(request, response);
    return release;
  };
  return options.fastPath === false ? serveAny : withUnaryPath(serveAny, { ...options, pace });
}

/** Serves unary calls by the unary path, and the rest by `serveAny`. */
function withUnaryPath(
  serveAny: RequestHandler,
  options: EndpointOptions & { readonly pace: Pace },
): RequestHandler {
  const { limits, trust } = options;
  const unary = createUnaryPath({
    ...options,
    bodyBytes: limits.bodyBytes,
    onRejected: ({ headers, method, path, status }, arrival) =>
      logRejection(options, { headers, method, url: path }, { statusCode: status }, arrival),
  });
  const handler: RequestHandler = (request, response) => {
    const begin = unary.ofRequest(request, response);
    if (!begin || excessOf(request, limits)) return serveAny(request, response);
    begin(noteArrival(request, trust));
  };
  const serveStream: StreamHandler = (stream, headers, rawHeaders) => {
    const begin = unary.ofStream(stream, headers);
    const path = String(headers[":path"]);
    if (!begin || excessOf({ url: path, rawHeaders }, limits)) return false;
    begin(noteArrival(requestOf(stream, headers), trust));
    return true;
  };
  return Object.assign(handler, { serveStream });
}

const nothing = () => undefined;

function refuseUnknown(request: Request, response: Response, arrival: Arrival): void {
  arrival.rejection = "METHOD_UNKNOWN";
  refuseGrpc(request, response, errors.methodUnknown({ method: pathOf(request).slice(1) }));
}

function methodPaths(implementations: readonly Implementation[]): (path: string) => boolean {
  const methods = implementations.flatMap(({ service }) => service.methods);
  const paths = new Set(methods.map(({ parent, name }) => `/${parent.typeName}/${name}`));
  return (path) => paths.has(path);
}

function cutOff(response: Response, arrival: Arrival): void {
  if (arrival.reachedChain || response.headersSent) return;
  arrival.rejection = "BODY_TIMEOUT";
  response.destroy();
}

function answerRest(
  { rest, log }: EndpointOptions,
  request: Request,
  response: Response,
  arrival: Arrival,
): void {
  const failed = (cause: unknown) => {
    log.error("REST failed", { request_id: arrival.requestId, path: pathOf(request), cause });
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end();
  };
  try {
    rest(request, response, arrival)?.catch(failed);
  } catch (cause) {
    failed(cause);
  }
}

/** Connect's timer would fire at once for a time that Node's timers cannot hold; methods have bounds of their own. */
function dropEndlessTimeout({ headers }: Request): void {
  for (const name of timeoutHeaders) {
    const value = headers[name];
    const asked = typeof value === "string" ? parseTimeout(name, value) : 0;
    // A malformed one stays, for Connect to refuse.
    if (Number.isFinite(asked) && asked > longestTimer) delete headers[name];
  }
}

function pathOf({ url = "" }: Pick<Request, "url">): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

/** Malformed bodies and unknown paths never reach the chain; this is their one line. */
function logRejection(
  { log, metrics }: EndpointOptions,
  request: Pick<Request, "headers" | "method" | "url">,
  response: Pick<Response, "statusCode">,
  arrival: Arrival,
) {
  const requestId = arrival.requestId ?? "";
  const correlation = request.headers["x-request-id"];
  metrics.httpRejected.add({ status: String(response.statusCode), reason: arrival.rejection ?? "PROTOCOL" });
  log.info("request rejected", {
    correlationId: correlationId(typeof correlation === "string" ? correlation : undefined, requestId),
    request_id: requestId,
    http_method: request.method,
    path: pathOf(request),
    status: response.statusCode,
    reason: arrival.rejection,
    remote_address: arrival.clientAddress,
  });
}
