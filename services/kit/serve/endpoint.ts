import type { IncomingMessage, ServerResponse } from "node:http";
import { createContextValues } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { type Arrival, arrivalKey } from "../chain/arrival.js";
import { forConnect, type Plans } from "../chain/chain.js";
import { correlationId } from "../chain/identify.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import type { Implementation } from "../workload.js";
import { type ArrivalTrust, noteArrival } from "./arrivals.js";
import type { Request, RequestHandler, Response } from "./listen.js";

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
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Serves Connect, gRPC and gRPC-Web of the implementations, and REST for the rest, under one chain. */
export function createEndpoint(options: EndpointOptions): RequestHandler {
  const arrivals = new WeakMap<object, Arrival>();
  const arrivalOf = (request: object) => arrivals.get(request);
  const rpc = connectNodeAdapter({
    // Options of service() would replace the chain, so that argument is never given.
    routes: (router) => {
      for (const { service, handlers } of options.implementations) router.service(service, handlers);
    },
    interceptors: [forConnect(options.plans)],
    readMaxBytes: options.bodyLimit,
    contextValues: (request) => createContextValues().set(arrivalKey, arrivalOf(request)),
    fallback: (request, response) => {
      if (isGrpc(request)) refuseGrpc(response as Response);
      else void options.rest(request, response as Response, arrivalOf(request)!);
    },
  });
  return (request, response) => {
    const arrival = noteArrival(request, options.trust);
    arrivals.set(request, arrival);
    response.once("close", () => {
      if (!arrival.reachedChain) logRejection(options, request, response, arrival);
    });
    rpc(request as IncomingMessage, response as ServerResponse);
  };
}

function isGrpc(request: Request): boolean {
  return request.headers["content-type"]?.startsWith("application/grpc") ?? false;
}

// Trailers-only, as gRPC clients expect of an unknown method.
function refuseGrpc(response: Response): void {
  response.writeHead(200, {
    "content-type": "application/grpc",
    "grpc-status": "12",
    "grpc-message": "This server has no such method.",
  });
  response.end();
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
    path: request.url?.split("?", 1)[0],
    status: response.statusCode,
    reason: arrival.rejection,
    remote_address: arrival.clientAddress,
  });
}
