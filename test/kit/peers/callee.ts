import type { DescMethod, DescService } from "@bufbuild/protobuf";
import {
  createContextValues,
  type Interceptor,
  type MethodImpl,
  type ServiceImpl,
} from "@connectrpc/connect";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { authenticate } from "../../../services/kit/chain/authenticate.js";
import { authorize } from "../../../services/kit/chain/authorize.js";
import { checkCaller } from "../../../services/kit/chain/caller.js";
import { type Layer, planChain } from "../../../services/kit/chain/chain.js";
import { deadline } from "../../../services/kit/chain/deadline.js";
import { observe } from "../../../services/kit/chain/observe.js";
import { translateErrors } from "../../../services/kit/chain/translate-errors.js";
import { validate } from "../../../services/kit/chain/validate.js";
import { systemClock } from "../../../services/kit/clock.js";
import { type Call, type Caller, callKey } from "../../../services/kit/context.js";
import { resolveContract } from "../../../services/kit/contract/method.js";
import { errors } from "../../../services/kit/errors.js";
import type { LocalMethods } from "../../../services/kit/peers/local.js";
import { type NetworkOptions, peersOf } from "../../../services/kit/peers/network.js";
import { createEndpoint } from "../../../services/kit/serve/endpoint.js";
import { listen } from "../../../services/kit/serve/listen.js";
import { defaultRequestLimits } from "../../../services/kit/serve/request-limits.js";
import { workloadToken, workloadTokenHeader } from "../../../services/kit/tokens.js";
import { type Implementation, implement } from "../../../services/kit/workload.js";
import { callWith, recordedLog, recordedMetrics } from "../chain/calls.js";
import { ada } from "../tokens/forge.js";

type Handlers = Partial<ServiceImpl<typeof AgentsService> & ServiceImpl<typeof AuthService>>;

const services: readonly DescService[] = [AgentsService, AuthService];

export const token = workloadToken({ secret: "s".repeat(32), clock: systemClock });

/** Agents and auth with the given handlers; the others must not be reached. */
function implementations(handlers: Handlers): Implementation[] {
  const given: Record<string, unknown> = handlers;
  return services.map((service) => {
    const all = service.methods.map(({ localName }) => [
      localName,
      given[localName] ?? unexpected(localName),
    ]);
    return implement(service, Object.fromEntries(all));
  });
}

function unexpected(name: string) {
  return () => {
    throw new Error(`nobody should reach ${name}`);
  };
}

/** The layers that matter to peers, as a process has them; tokens named `internal` are ada's. */
export function layersOf(): Layer[] {
  const { log } = recordedLog("silent");
  const { metrics } = recordedMetrics();
  return [
    observe({ workload: Workload.AGENTS, log, metrics, clock: systemClock, trustRequestId: true }),
    translateErrors,
    deadline({ clock: systemClock }),
    checkCaller(({ header, service }) => {
      const callee = service === AuthService ? Workload.AUTH : Workload.AGENTS;
      const proof = header.get(workloadTokenHeader);
      return proof ? token.verify(proof, callee) : Workload.UNSPECIFIED;
    }),
    authenticate(async (credential) => {
      if (credential !== "internal") throw errors.tokenInvalid();
      return ada;
    }),
    authorize,
    validate(),
  ];
}

/** The handlers as methods of this process. */
export function localMethods(handlers: Handlers): LocalMethods {
  const plans = planChain(resolveContract(services).methods, layersOf());
  const methods = implementations(handlers).flatMap((implementation) =>
    implementation.service.methods.map((method) => ({
      method,
      plan: plans.get(method) as Interceptor,
      handler: implementation.handlers[method.localName] as MethodImpl<DescMethod>,
    })),
  );
  return new Map(methods.map((method) => [method.method, method]));
}

/** The handlers behind a real port, both workloads on one. */
export async function remote(handlers: Handlers, layers: readonly Layer[] = layersOf()) {
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: createEndpoint({
      implementations: implementations(handlers),
      plans: planChain(resolveContract(services).methods, layers),
      rest: async (_, response) => void response.writeHead(404).end(),
      trust: { proxyHops: 0, mesh: false, internal: true },
      limits: { ...defaultRequestLimits, bodyBytes: 65_536 },
      log: recordedLog("silent").log,
      metrics: recordedMetrics().metrics,
    }),
  });
  return { address: `http://127.0.0.1:${listener.port}`, stop: () => listener.drain(0) };
}

/** Peers of a workload: in memory with `local`, else at `address`. */
export function peers(
  self: Workload,
  options: Partial<NetworkOptions> & { readonly address?: string | string[] },
) {
  const { address, local } = options;
  const both = [Workload.AGENTS, Workload.AUTH];
  return peersOf(self, {
    local: local ?? new Map(),
    running: new Set(local ? both : []),
    addresses: new Map(both.map((workload) => [workload, [address ?? "http://nowhere.invalid"].flat()])),
    mesh: false,
    workloadToken: token,
    bodyLimit: 65_536,
    metrics: recordedMetrics().metrics,
    clock: systemClock,
    fastPath: process.env.FAST_PATH !== "false",
    http2Client: process.env.HTTP2_CLIENT === "own" ? "own" : "node",
    closed: new AbortController().signal,
    ...options,
  });
}

/** A handler's context while it serves ada. */
export function callerWith(call: Partial<Call> = {}, signal = new AbortController().signal): Caller {
  const known = callWith({ principal: ada, credential: "outside", caller: Workload.GATEWAY, ...call });
  return { values: createContextValues().set(callKey, known), signal };
}
