import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import type { Arrival } from "../../chain/arrival.js";
import type { Log } from "../../log.js";
import { sharedTimers } from "../../timers.js";
import type { Request, Response } from "../listen.js";
import type { Pace } from "../pace.js";
import { ConnectCall, type ConnectForm, connectTypes } from "./connect.js";
import { GrpcCall, grpcTypes } from "./grpc.js";
import { GrpcWebCall, grpcWebTypes } from "./grpc-web.js";
import { type MethodTableOptions, unaryMethods } from "./method-table.js";
import { rawParameter } from "./percent.js";
import type { WireSettings } from "./wire-call.js";

/** What the unary path is made of. */
export interface UnaryOptions extends MethodTableOptions {
  /** Largest message, in bytes. */
  readonly bodyBytes: number;
  readonly pace: Pace;
  readonly log: Log;
  readonly onRejected: WireSettings["onRejected"];
}

/** A request that the unary path serves: begin it with what is known of its arrival. */
export type Begin = (arrival: Arrival) => void;

/**
 * Serves unary calls of the protocols without Connect's handlers, under the
 * same chain. What it does not know (streams, unknown methods, unusual content
 * types) is left to Connect: undefined is returned, and nothing has been done.
 */
export interface UnaryPath {
  /** Connect, and gRPC-Web. */
  ofRequest(request: Request, response: Response): Begin | undefined;
  /** gRPC, on the stream itself. */
  ofStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Begin | undefined;
}

/** Makes the unary path of a port. */
export function createUnaryPath(options: UnaryOptions): UnaryPath {
  const methods = unaryMethods(options);
  const { bodyBytes: limit, pace, log, registry, onRejected } = options;
  const settings = { limit, pace, log, registry, onRejected, timers: sharedTimers };

  const ofGet = (request: Request, response: Response): Begin | undefined => {
    const { url = "" } = request;
    const at = url.indexOf("?");
    const target = at < 0 ? undefined : methods.get(url.slice(0, at));
    if (!target?.noSideEffects) return undefined;
    const query = url.slice(at + 1);
    const form = getForms.get(rawParameter(query, "encoding") ?? "");
    if (!form) return undefined;
    return (arrival) => {
      new ConnectCall({ request, response, arrival, target }, settings, form).startFromQuery(query);
    };
  };

  const ofPost = (request: Request, response: Response): Begin | undefined => {
    const target = methods.get(pathOf(request.url ?? ""));
    if (!target) return undefined;
    const type = request.headers["content-type"] ?? "";
    const connect = connectTypes.get(type);
    if (connect) {
      return (arrival) => new ConnectCall({ request, response, arrival, target }, settings, connect).start();
    }
    const web = grpcWebTypes.get(type);
    return (
      web && ((arrival) => new GrpcWebCall({ request, response, arrival, target }, settings, web).start())
    );
  };

  return {
    ofRequest(request, response) {
      if (request.method === "POST") return ofPost(request, response);
      return request.method === "GET" ? ofGet(request, response) : undefined;
    },
    ofStream(stream, headers) {
      if (headers[":method"] !== "POST" || "expect" in headers) return undefined;
      const form = grpcTypes.get(headers["content-type"] ?? "");
      const target = form && methods.get(String(headers[":path"]));
      if (!target) return undefined;
      return (arrival) => new GrpcCall({ stream, headers, arrival, target, form }, settings).start();
    },
  };
}

const getForms: ReadonlyMap<string, ConnectForm> = new Map([
  ["proto", "binary"],
  ["json", "json"],
]);

function pathOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? url : url.slice(0, at);
}
