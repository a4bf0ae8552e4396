import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "@bufbuild/protobuf";
import { createContextValues } from "@connectrpc/connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type Arrival, arrivalKey } from "../chain/arrival.js";
import { forConnect, type Plans } from "../chain/chain.js";
import { parseTimeout, timeoutHeaders } from "../chain/deadline.js";
import { correlationId } from "../chain/identify.js";
import { errors } from "../errors.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import type { Implementation } from "../workload.js";
import { type ArrivalTrust, noteArrival } from "./arrivals.js";
import type { Request, RequestHandler, Response } from "./listen.js";
import { leaveTrailersOnly } from "./trailers-only.js";
import { takeInUnread } from "./unread-body.js";

const longestTimer = 2 ** 31 - 1;
const defaultArrivalMs = 30_000;

/** Answers over REST what is no RPC. */
export type RestHandler = (request: Request, response: Response, arrival: Arrival) => Promise<void>;

/** What one port serves. */
export interface EndpointOptions {
  readonly implementations: readonly Implementation[];
  readonly plans: Plans;
  readonly rest: RestHandler;
  readonly trust: ArrivalTrust;
  /** Largest message, in bytes. */
  readonly bodyLimit: number;
  /** Types that `google.protobuf.Any` may hold in Connect's JSON. */
  readonly registry?: Registry;
  /** How long a request may take to arrive, in milliseconds; HTTP/2 itself does not bound it. */
  readonly arrivalMs?: number;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Serves Connect, gRPC and gRPC-Web of the implementations, and REST for the rest, under one chain. */
export function createEndpoint(options: EndpointOptions): RequestHandler {
  const arrivals = new WeakMap<object, Arrival>();
  const arrivalOf = (request: object) => arrivals.get(request);
  const isMethod = methodPaths(options.implementations);
  const rpc = connectNodeAdapter({
    // Options of service() would replace the chain, so that argument is never given.
    routes: (router) => {
      for (const { service, handlers } of options.implementations) router.service(service, handlers);
    },
    interceptors: [forConnect(options.plans)],
    readMaxBytes: options.bodyLimit,
    ...(options.registry && { jsonOptions: { registry: options.registry } }),
    contextValues: (request) => createContextValues().set(arrivalKey, arrivalOf(request)),
    fallback: (request, response) => {
      const arrival = arrivalOf(request)!;
      if (isGrpc(request)) refuseGrpc(request, response as Response, arrival);
      else void answerRest(options, request, response as Response, arrival);
    },
  });
  return (request, response) => {
    const arrival = noteArrival(request, options.trust);
    dropEndlessTimeout(request);
    arrivals.set(request, arrival);
    const stalled = setTimeout(cutOff, options.arrivalMs ?? defaultArrivalMs, response, arrival);
    response.once("close", () => {
      clearTimeout(stalled);
      if (!arrival.reachedChain && !arrival.answered) logRejection(options, request, response, arrival);
    });
    if (isGrpc(request) && "stream" in response) leaveTrailersOnly(response);
    if (isMethod(pathOf(request))) takeInUnread(request, response);
    rpc(request as IncomingMessage, response as ServerResponse);
  };
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

function isGrpc(request: Request): boolean {
  return request.headers["content-type"]?.startsWith("application/grpc") ?? false;
}

// Trailers-only, as gRPC clients expect of an unknown method.
function refuseGrpc(request: Request, response: Response, arrival: Arrival): void {
  const error = errors.methodUnknown({ method: pathOf(request).slice(1) });
  arrival.rejection = "METHOD_UNKNOWN";
  const headers = new Headers({ "content-type": request.headers["content-type"] ?? "application/grpc" });
  setTrailerStatus(headers, error);
  // writeHead() would send the headers alone, and a client would wait for trailers.
  response.statusCode = 200;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.end();
}

async function answerRest(
  { rest, log }: EndpointOptions,
  request: Request,
  response: Response,
  arrival: Arrival,
): Promise<void> {
  try {
    await rest(request, response, arrival);
  } catch (cause) {
    log.error("REST failed", { request_id: arrival.requestId, path: pathOf(request), cause });
    if (response.headersSent) response.destroy();
    else response.writeHead(500).end();
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

function pathOf(request: Request): string {
  return request.url?.split("?", 1)[0] ?? "";
}

/** Malformed bodies and unknown paths never reach the chain; this is their one line. */
function logRejection(
  { log, metrics }: EndpointOptions,
  request: Request,
  response: Response,
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
