import { ConnectError } from "@connectrpc/connect";
import type { Layer } from "../../kit/chain/chain.js";
import { correlationId } from "../../kit/chain/identify.js";
import { errorFacts, errors } from "../../kit/errors.js";
import { newId } from "../../kit/ids.js";
import type { Log } from "../../kit/log.js";
import type { Metrics } from "../../kit/metrics.js";
import { noteArrival } from "../../kit/serve/arrivals.js";
import type { Request, Response } from "../../kit/serve/listen.js";
import type { Edge, EdgePort } from "../../kit/workload.js";
import type { EdgeConfig } from "../config.js";
import { documentPaths } from "../documents.js";
import { problemForm } from "../transcode/error-form.js";
import { defaultLimits } from "../transcode/options.js";
import { statusOf } from "../transcode/problem.js";
import { renderError } from "../transcode/render.js";
import { wheelTimer } from "../transcode/timer.js";
import { cacheHeaders, noStore } from "./cache-control.js";
import { createCors, isPreflight } from "./cors.js";
import type { Head } from "./head.js";
import { createOutgoing } from "./outgoing.js";
import { pathMethods } from "./path-methods.js";
import { securityHeaders } from "./security-headers.js";
import { findSession } from "./session.js";
import { removeCodings } from "./validator.js";
import { addVary } from "./vary.js";

/** What the edge is made of. */
export interface EdgeOptions {
  readonly config: EdgeConfig;
  readonly log: Log;
  readonly metrics: Metrics;
}

const nothing: Layer = () => undefined;

/** What the port of the gateway does for browsers and caches; native gRPC passes it untouched. */
export function createEdge({ config, log, metrics }: EdgeOptions): Edge {
  const { origins, sessionCookies, preflightSeconds } = config;
  return {
    findCredential: sessionCookies ? findSession(origins) : nothing,
    wrap(port) {
      const cors = createCors({
        origins,
        credentials: sessionCookies,
        preflightSeconds,
        methodsOf: pathMethods({ ...port, documents: documentPaths() }),
      });
      const shape = createOutgoing({
        decorate: planDecoration(port, cors.addHeaders),
        always: securityHeaders(config),
        compressFromBytes: config.compressFromBytes,
      });
      const refuse = planRefusal({ port, log, metrics });
      return (request, response) => {
        if (isNativeGrpc(request)) return port.handler(request, response);
        shape(request, response);
        removeCodings(request.headers);
        if (!isPreflight(request)) return port.handler(request, response);
        try {
          response.writeHead(204, cors.admit(request, pathOf(request))).end();
        } catch (error) {
          refuse(request, response, error);
        }
      };
    },
  };
}

function planDecoration(
  { contracts }: EdgePort,
  addCors: (request: Request, headers: Head["headers"]) => void,
): (request: Request, head: Head) => void {
  const byPath = new Map(
    [...contracts.values()].map((contract) => [`/${contract.name}`, cacheHeaders(contract)]),
  );
  return (request, { status, headers }) => {
    // What Connect answers to GET says nothing of caches yet.
    const known = request.method === "GET" ? byPath.get(pathOf(request)) : undefined;
    if (known && status === 200) {
      headers["cache-control"] ??= known["cache-control"];
      if (known.vary !== undefined) addVary(headers, String(known.vary));
    }
    headers["cache-control"] = cacheControl(request, status, headers["cache-control"]);
    addCors(request, headers);
  };
}

/** Reads alone may be kept, and only when they succeed. */
function cacheControl({ method }: Request, status: number, given: Head["headers"][string]): string {
  const stated = String(given ?? noStore);
  const isRead = method === "GET" || method === "HEAD";
  if (isRead && status < 400) return stated;
  return stated.includes("no-transform") ? `${noStore}, no-transform` : noStore;
}

function planRefusal({ port, log, metrics }: Omit<EdgeOptions, "config"> & { readonly port: EdgePort }) {
  const form = problemForm(undefined);
  const lingering = { milliseconds: defaultLimits.lingerMs, startTimer: wheelTimer };
  return (request: Request, response: Response, failure: unknown): void => {
    const error = failure instanceof ConnectError ? failure : errors.internal(failure);
    const { clientAddress, requestId = newId() } = noteArrival(request, port.trust);
    const reason = errorFacts(error)?.reason;
    const status = statusOf(error);
    metrics.httpRejected.add({ status: String(status), reason: reason ?? "INTERNAL" });
    log.info("request rejected", {
      correlationId: correlationId([request.headers["x-request-id"]].flat()[0], requestId),
      request_id: requestId,
      http_method: request.method,
      path: pathOf(request),
      status,
      reason,
      remote_address: clientAddress,
    });
    renderError({ request, response, requestId }, error, { form, lingering });
  };
}

function isNativeGrpc({ headers }: Request): boolean {
  const type = headers["content-type"] ?? "";
  return type.startsWith("application/grpc") && !type.startsWith("application/grpc-web");
}

function pathOf({ url }: Request): string {
  return url?.split("?", 1)[0] ?? "";
}
