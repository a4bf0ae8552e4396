import { create, type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AuditClass, RateClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { readConfig } from "../../services/gateway/config.js";
import { createEdge } from "../../services/gateway/edge/edge.js";
import { checkCaller } from "../../services/kit/chain/caller.js";
import { planChain } from "../../services/kit/chain/chain.js";
import { deadline } from "../../services/kit/chain/deadline.js";
import { createAdmission, limit } from "../../services/kit/chain/limit.js";
import { observe } from "../../services/kit/chain/observe.js";
import { validate } from "../../services/kit/chain/validate.js";
import { systemClock as clock } from "../../services/kit/clock.js";
import { configSource } from "../../services/kit/config.js";
import { type MethodContract, methodName } from "../../services/kit/contract/method.js";
import { createLog } from "../../services/kit/log.js";
import { createMetrics } from "../../services/kit/metrics.js";
import { createEndpoint } from "../../services/kit/serve/endpoint.js";
import { listen } from "../../services/kit/serve/listen.js";
import { defaultRequestLimits } from "../../services/kit/serve/request-limits.js";
import type { Implementation } from "../../services/kit/workload.js";
import { conformanceService, registry, type ServerRequest, suiteMessage } from "./messages.js";
import { implementation } from "./service.js";

const log = createLog({
  service: "conformance",
  level: "error",
  clock,
  destination: { write: () => undefined },
});
const metrics = createMetrics({ version: "0.0.0-conformance", workloads: ["gateway"] });

/** A policy for a contract that is not ours to annotate: open, and bounded like our own. */
function contractOf(method: DescMethod): MethodContract {
  return {
    method,
    name: methodName(method),
    workload: Workload.GATEWAY,
    access: { kind: "public" },
    callers: new Set([Workload.GATEWAY]),
    deadlineMs: method.methodKind === "unary" ? 30_000 : undefined,
    rate: RateClass.UNSPECIFIED,
    audit: AuditClass.UNSPECIFIED,
    idempotent: false,
    noSideEffects: false,
    ignoreUnknownFields: false,
    forwarded: true,
  };
}

const edgeConfig = readConfig(configSource({}));

/**
 * Starts our endpoint behind our edge and listener as the runner asks. The chain is the
 * gateway's but for two layers: nobody signs in here, and the suite's own
 * errors must leave as they are, which `translateErrors` is there to prevent.
 */
async function serve(asked: ServerRequest): Promise<number> {
  const admission = createAdmission({ concurrent: 256, queued: 1024, queueBudgetMs: 1000 }, clock);
  const layers = [
    observe({ workload: Workload.GATEWAY, log, metrics, clock, trustRequestId: false }),
    deadline({ clock }),
    checkCaller(() => Workload.GATEWAY),
    limit(admission, clock),
    validate(),
  ];
  const contracts = conformanceService.methods.map((method) => [method, contractOf(method)] as const);
  const { serverCreds, clientTlsCert, messageReceiveLimit } = asked;
  const trust = { proxyHops: 0, mesh: false, internal: false };
  const handler = createEndpoint({
    implementations: [implementation as unknown as Implementation],
    plans: planChain(new Map(contracts), layers),
    rest: async (_request, response) => void response.writeHead(404).end(),
    trust,
    registry,
    fastPath: process.env.FAST_PATH !== "false",
    limits: { ...defaultRequestLimits, bodyBytes: messageReceiveLimit || 4 * 1024 * 1024 },
    log,
    metrics,
  });
  const port = { handler, services: [conformanceService], contracts: new Map(contracts), trust };
  const listener = await listen({
    host: "127.0.0.1",
    port: 0,
    handler: createEdge({ config: edgeConfig, log, metrics }).wrap(port),
    ...(asked.useTls &&
      serverCreds && {
        tls: {
          key: Buffer.from(serverCreds.key),
          cert: Buffer.from(serverCreds.cert),
          ...(clientTlsCert.length > 0 && { ca: Buffer.from(clientTlsCert), requestClientCert: true }),
        },
      }),
  });
  return listener.port;
}

/** One message with its length before it. */
async function readRequest(): Promise<ServerRequest> {
  let received = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    received = Buffer.concat([received, chunk]);
    if (received.length < 4) continue;
    const end = 4 + received.readUInt32BE(0);
    if (received.length >= end) {
      return fromBinary(
        suiteMessage("ServerCompatRequest"),
        received.subarray(4, end),
      ) as unknown as ServerRequest;
    }
  }
  throw new Error("the runner asked for nothing");
}

const asked = await readRequest();
const responseDesc = suiteMessage("ServerCompatResponse");
const answer = toBinary(
  responseDesc,
  create(responseDesc, {
    host: "127.0.0.1",
    port: await serve(asked),
    ...(asked.useTls && asked.serverCreds && { pemCert: asked.serverCreds.cert }),
  } as never),
);
const length = Buffer.alloc(4);
length.writeUInt32BE(answer.length);
process.stdout.write(Buffer.concat([length, answer]));
process.on("SIGTERM", () => process.exit(0));
