import type { DescMethod } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { correlationHeader, correlationId } from "../../kit/chain/identify.js";
import { type Clock, systemClock } from "../../kit/clock.js";
import { errorFacts, errors } from "../../kit/errors.js";
import { newId } from "../../kit/ids.js";
import type { Log } from "../../kit/log.js";
import type { Departure } from "../../kit/peers/wire-call.js";
import { type Listener, listen, type Request, type Response } from "../../kit/serve/listen.js";
import { UsageError } from "../../kit/usage-error.js";
import { createCompiledJsonCodec } from "../compiled-json.js";
import type { RestResponse } from "../transcode/exchange.js";
import { createJsonCodec } from "../transcode/json.js";
import { defaultLimits, type TranscoderOptions } from "../transcode/options.js";
import { describeProblem } from "../transcode/route.js";
import { createTranscoder, findRouteProblems, type Transcoder } from "../transcode/transcoder.js";
import type { GenericArguments } from "./arguments.js";
import { type Contract, readDescriptors } from "./descriptors.js";
import { reflectDescriptors } from "./reflect.js";
import {
  createUpstream,
  type Upstream,
  type UpstreamTransportOptions,
  upstreamTransport,
} from "./upstream.js";

/** Largest message, in bytes: what gRPC implementations take by default. */
const bodyLimit = 4 * 1024 * 1024;

/** A gateway before somebody else's server. */
export interface GenericGateway {
  readonly port: number;
  /** How many routes the contract makes. */
  readonly routes: number;
  /** Lets requests finish within `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** What a generic gateway runs with. */
export interface GenericOptions {
  readonly log: Log;
  readonly clock?: Clock;
  /** Whether compiled code serves where it can; unless stated, it does. */
  readonly fastPath?: boolean;
  readonly limits?: TranscoderOptions<Incoming>["limits"];
}

/** One request: for its line in the log, and whether its client is still there. */
class Incoming implements Departure {
  /** Once it is called. */
  method: DescMethod | undefined;
  reason: string | undefined;
  #onLeave: ((reason: Error) => void) | undefined;

  constructor(
    readonly requestId: string,
    private readonly response: Response,
  ) {}

  left(): Error | undefined {
    return this.response.destroyed ? errors.canceled() : undefined;
  }

  watch(onLeave: (reason: Error) => void): () => void {
    this.#onLeave = onLeave;
    return () => {
      this.#onLeave = undefined;
    };
  }

  leave(): void {
    this.#onLeave?.(errors.canceled());
  }
}

/**
 * Serves every annotated method of a compiled contract over REST, before any
 * gRPC or Connect upstream. Nobody signs in here: headers go to the upstream,
 * its answers, errors, details and trailers come back as they are. `/livez`
 * answers while the process serves. Throws UsageError when there is nothing to serve.
 */
export async function startGeneric(args: GenericArguments, options: GenericOptions): Promise<GenericGateway> {
  const closing = new AbortController();
  const { http2Client } = args;
  const reach = { bodyLimit, fastPath: options.fastPath ?? true, http2Client, closed: closing.signal };
  const contract = await contractOf(args, reach);
  const { protocol } = args;
  const upstream = createUpstream(upstreamTransport(args.upstream, { ...reach, protocol }));
  const transcoder = planTranscoder(contract, upstream, options);
  const listener: Listener = await listen({
    host: args.host,
    port: args.port,
    handler: (request, response) => answer(transcoder, request, response, options),
    onSocketError: (cause) => options.log.debug("connection failed", { cause }),
  });
  return {
    port: listener.port,
    routes: transcoder.routes.length,
    async stop(graceMs) {
      await listener.drain(graceMs);
      closing.abort();
    },
  };
}

type Reach = Omit<UpstreamTransportOptions, "protocol">;

async function contractOf({ descriptors, upstream }: GenericArguments, reach: Reach): Promise<Contract> {
  // Reflection streams both ways, which takes HTTP/2 in every protocol.
  const contract = await (descriptors.from === "file"
    ? readDescriptors(descriptors.path)
    : reflectDescriptors(upstreamTransport(upstream, { ...reach, protocol: "grpc" })));
  const problems = findRouteProblems(contract.services).map(describeProblem);
  if (problems.length > 0) throw new UsageError(`HTTP annotations:\n${problems.join("\n")}`);
  return contract;
}

function planTranscoder(
  { services, registry }: Contract,
  upstream: Upstream,
  { log, limits, fastPath = true }: GenericOptions,
): Transcoder<Incoming> {
  const createCodec = fastPath ? createCompiledJsonCodec : createJsonCodec;
  const maxDepth = limits?.depth ?? defaultLimits.depth;
  const transcoder = createTranscoder<Incoming>({
    services,
    call: (call) => noted(call, log, () => upstream.call(call, call.incoming)),
    stream: (call) => noted(call, log, () => upstream.stream(call)),
    options: {
      requestId: ({ requestId }) => requestId,
      registry,
      codec: createCodec({ registry, maxDepth }),
      limits: { bodyBytes: bodyLimit, ...limits },
      onReject({ incoming, reason }) {
        incoming.reason = reason;
      },
      onError: (cause, { incoming }) =>
        log.error("request failed", { request_id: incoming.requestId, cause }),
    },
  });
  if (transcoder.routes.length === 0) {
    const why = "no method of the contract has a google.api.http annotation";
    throw new UsageError(`${why} (some servers' reflection leaves annotations out)`);
  }
  return transcoder;
}

async function noted<T>(
  { method, incoming }: { readonly method: DescMethod; readonly incoming: Incoming },
  log: Log,
  run: () => Promise<T>,
): Promise<T> {
  incoming.method = method;
  try {
    return await run();
  } catch (error) {
    const reason = error instanceof ConnectError ? errorFacts(error)?.reason : undefined;
    incoming.reason = reason;
    if (reason === "DEPENDENCY_UNAVAILABLE") {
      log.warn("the upstream does not answer", { request_id: incoming.requestId, cause: error });
    }
    throw error;
  }
}

function answer(
  transcoder: Transcoder<Incoming>,
  request: Request,
  response: Response,
  { log, clock = systemClock }: GenericOptions,
): void {
  const given = request.headers[correlationHeader];
  const requestId = correlationId(typeof given === "string" ? given : undefined, newId());
  const incoming = new Incoming(requestId, response);
  const start = clock.monotonic();
  response.on("close", () => {
    incoming.leave();
    if (!log.enabled("info")) return;
    log.info(response.writableEnded ? "request answered" : "client left", {
      request_id: requestId,
      http_method: request.method,
      path: pathOf(request),
      method: incoming.method && methodName(incoming.method),
      status: response.statusCode,
      reason: incoming.reason,
      duration_ms: Math.round((clock.monotonic() - start) * 1000) / 1000,
      remote_address: request.socket?.remoteAddress,
    });
  });
  if (transcoder.handle(request, response, incoming)) return;
  const path = pathOf(request);
  if (path === "/livez" && (request.method === "GET" || request.method === "HEAD"))
    sayAlive(request, response);
  else transcoder.refuse(request, response, incoming, errors.routeNotFound({ path }));
}

function pathOf({ url = "" }: Request): string {
  return url.split("?", 1)[0] ?? "";
}

function methodName({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

function sayAlive({ method }: Request, response: RestResponse): void {
  const body = '{"status":"ok"}';
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  response.end(method === "HEAD" ? undefined : body);
}
