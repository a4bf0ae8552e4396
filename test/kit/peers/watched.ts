import { create } from "@bufbuild/protobuf";
import type { HandlerContext, Interceptor, MethodImpl, ServiceImpl } from "@connectrpc/connect";
import { FieldRulesSchema, StringRulesSchema } from "#gen/ts/buf/validate/validate_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { planChain } from "../../../services/kit/chain/chain.js";
import type { Caller } from "../../../services/kit/context.js";
import { resolveContract } from "../../../services/kit/contract/method.js";
import type { LocalMethods } from "../../../services/kit/peers/local.js";
import { createEndpoint } from "../../../services/kit/serve/endpoint.js";
import { listen } from "../../../services/kit/serve/listen.js";
import { defaultRequestLimits } from "../../../services/kit/serve/request-limits.js";
import { implement } from "../../../services/kit/workload.js";
import { recordedLog, recordedMetrics } from "../chain/calls.js";
import { oddService } from "../contract/odd-contract.js";
import { layersOf } from "./callee.js";

/** A service of agents with a method that streams, open to the gateway. */
export const watched = oddService({
  policy: { workload: Workload.AGENTS, callers: [Workload.GATEWAY], deadlineMs: 1000 },
  rules: create(FieldRulesSchema, {
    type: { case: "string", value: create(StringRulesSchema, { maxLen: 10n }) },
  }),
  methods: {
    Watch: {
      policy: { access: { case: "public", value: true } },
      path: "/api/v1/watch/{text}",
      streams: true,
    },
    Once: { policy: { access: { case: "public", value: true } }, path: "/api/v1/once/{text}" },
  },
});

export interface Part {
  readonly text: string;
}

/** How the method streams. */
export type Watch = (request: Part, context: HandlerContext) => AsyncIterable<Part>;

/** The client of `watched`, with the types that a generated service would give it. */
export interface WatchedPeer {
  watch(request: Part, caller: Caller): AsyncIterable<Part>;
  once(request: Part, caller: Caller): Promise<Part>;
}

function handlersOf(watch: Watch): ServiceImpl<typeof watched> {
  return { watch, once: async ({ text }: Part) => ({ text }) } as unknown as ServiceImpl<typeof watched>;
}

const plans = planChain(resolveContract([watched]).methods, layersOf());

/** The service as methods of this process. */
export function watchedHere(watch: Watch): LocalMethods {
  const handlers = handlersOf(watch);
  return new Map(
    watched.methods.map((method) => [
      method,
      {
        method,
        plan: plans.get(method) as Interceptor,
        handler: handlers[method.localName] as MethodImpl<typeof method>,
      },
    ]),
  );
}

/** The service behind a real port. */
export async function watchedElsewhere(watch: Watch) {
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: createEndpoint({
      implementations: [implement(watched, handlersOf(watch))],
      plans,
      rest: async (_, response) => void response.writeHead(404).end(),
      trust: { proxyHops: 0, mesh: false, internal: true },
      limits: { ...defaultRequestLimits, bodyBytes: 65_536 },
      log: recordedLog("silent").log,
      metrics: recordedMetrics().metrics,
    }),
  });
  return { address: `http://127.0.0.1:${listener.port}`, stop: () => listener.drain(0) };
}
