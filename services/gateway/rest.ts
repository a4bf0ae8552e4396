import {
  createRegistry,
  type DescFile,
  type DescMethod,
  type DescService,
  type Registry,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { ErrorFormat } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { file_google_rpc_error_details } from "#gen/ts/google/rpc/error_details_pb.js";
import { CallValues, UnaryCall } from "../kit/calls/unary-call.js";
import { type Arrival, arrivalKey } from "../kit/chain/arrival.js";
import type { MethodContract } from "../kit/contract/method.js";
import { errors } from "../kit/errors.js";
import { newId } from "../kit/ids.js";
import {
  invokeStream,
  type LocalMethod,
  MemoryOrigin,
  type ServeUnary,
  serveUnary,
} from "../kit/peers/local.js";
import type { RestFactory } from "../kit/process/process.js";
import type { ContractCheck } from "../kit/process/workload-host.js";
import type { Request, Response } from "../kit/serve/listen.js";
import { createCompiledJsonCodec } from "./compiled-json.js";
import { createDocuments, type Documents } from "./documents.js";
import { cacheHeaders } from "./edge/cache-control.js";
import { transcoderLimits } from "./limits.js";
import { withinDeadline } from "./stream-deadline.js";
import type {
  TranscodedCall,
  TranscodedReply,
  TranscodedStream,
  TranscodedStreamReply,
} from "./transcode/call.js";
import { type ErrorForm, oauthForm } from "./transcode/error-form.js";
import { createJsonCodec } from "./transcode/json.js";
import { openaiForm } from "./transcode/openai-errors.js";
import { describeProblem } from "./transcode/route.js";
import { createTranscoder, findRouteProblems, type Transcoder } from "./transcode/transcoder.js";

/** Every fault of the HTTP annotations, conflicting routes included. */
export const routeProblems: ContractCheck = (services) => findRouteProblems(services).map(describeProblem);

/** Serves the annotated methods over REST, each through the chain that Connect and gRPC pass too. */
export const restHandler: RestFactory = (options) => {
  const { services, methods, contracts, limits, fastPath, log } = options;
  const targets = new Map<DescMethod, LocalMethod>(methods.map((target) => [target.method, target]));
  const unary = unaryTargets(methods);
  const ignoring = new Map<DescMethod, boolean>(
    [...contracts].map(([method, contract]) => [method, contract.ignoreUnknownFields]),
  );
  const registry = registryOf(services);
  const createCodec = fastPath ? createCompiledJsonCodec : createJsonCodec;
  const transcoder = createTranscoder<Arrival>({
    services,
    call: (call) => callTarget(unary.get(call.method), call),
    stream: (call) => streamTarget(targets.get(call.method), call),
    options: {
      requestId,
      registry,
      codec: createCodec({ registry, maxDepth: limits.depth }),
      limits: transcoderLimits(limits),
      ignoreUnknownFields: (method) => ignoring.get(method) ?? false,
      strictPreconditions: true,
      replyHeaders: (method) => cacheHeadersOf(contracts.get(method)),
      errorForm: (method) => errorFormOf(contracts.get(method), registry),
      onReject({ incoming, reason }) {
        incoming.rejection = reason;
      },
      onError: (cause) => log.error("request failed", { cause }),
    },
  });
  const documents = options.workload === "gateway" ? createDocuments() : undefined;
  const answerNoRoute = async (ends: Ends): Promise<void> => {
    if (documents && (await sendDocument(documents, transcoder, ends))) return;
    const { request, response, arrival } = ends;
    const path = request.url?.split("?", 1)[0] ?? "";
    transcoder.refuse(request, response, arrival, errors.routeNotFound({ path }));
  };
  return (request, response, arrival) =>
    transcoder.handle(request, response, arrival) ? undefined : answerNoRoute({ request, response, arrival });
};

/** The chain and handler of each unary method. */
function unaryTargets(methods: readonly LocalMethod[]): ReadonlyMap<DescMethod, ServeUnary> {
  const unary = methods.filter(({ method }) => method.methodKind === "unary");
  return new Map(unary.map((target) => [target.method, serveUnary(target)]));
}

interface Ends {
  readonly request: Request;
  readonly response: Response;
  readonly arrival: Arrival;
}

async function sendDocument(
  documents: Documents,
  { refuse }: Transcoder<Arrival>,
  { request, response, arrival }: Ends,
): Promise<boolean> {
  try {
    if (!(await documents.handle(request, response))) return false;
    arrival.answered = true;
  } catch (failure) {
    if (!(failure instanceof ConnectError)) throw failure;
    refuse(request, response, arrival, failure);
  }
  return true;
}

function callTarget(serve: ServeUnary | undefined, call: TranscodedCall<Arrival>): Promise<TranscodedReply> {
  const { method, input: message, timeoutMs } = call;
  if (!serve) throw errors.methodUnknown({ method: method.name });
  // The chain reads Connect's deadline header, whichever one the client sent.
  if (timeoutMs !== undefined) call.header.set("connect-timeout-ms", String(Math.ceil(timeoutMs)));
  const origin = new MemoryOrigin(method, call);
  return serve(new UnaryCall({ method, message, values: valuesOf(call), origin }));
}

async function streamTarget(
  target: LocalMethod | undefined,
  call: TranscodedStream<Arrival>,
): Promise<TranscodedStreamReply> {
  const { input, header } = call;
  if (!target) throw errors.methodUnknown({ method: call.method.name });
  const { message, ...reply } = await withinDeadline(call, (signal) =>
    invokeStream(target, { messages: input, signal, header, values: valuesOf(call) }),
  );
  return { header: reply.header, trailer: reply.trailer, messages: message };
}

function valuesOf({ incoming }: { readonly incoming: Arrival }) {
  return new CallValues().set(arrivalKey, incoming);
}

function cacheHeadersOf(contract: MethodContract | undefined) {
  return contract ? cacheHeaders(contract) : {};
}

function errorFormOf(contract: MethodContract | undefined, registry: Registry): ErrorForm | undefined {
  if (contract?.oauthErrors) return oauthForm(registry);
  return contract?.errorFormat === ErrorFormat.OPENAI ? openaiForm : undefined;
}

function requestId(arrival: Arrival): string {
  arrival.requestId ??= newId();
  return arrival.requestId;
}

/** The types that error details may hold: those of the contract, and google.rpc's. */
function registryOf(services: readonly DescService[]): Registry {
  const files = new Set<DescFile>();
  const collect = (file: DescFile) => {
    if (files.has(file)) return;
    files.add(file);
    for (const dependency of file.dependencies) collect(dependency);
  };
  for (const { file } of services) collect(file);
  return createRegistry(file_google_rpc_error_details, ...files);
}
