import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import {
  type Code,
  ConnectError,
  createContextValues,
  type StreamRequest,
  type StreamResponse,
  type UnaryRequest,
  type UnaryResponse,
} from "@connectrpc/connect";
import { expect } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AccountsService } from "#gen/ts/consciousness/auth/v1/accounts_service_pb.js";
import { ApiKeysService } from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { ServiceAccountsService } from "#gen/ts/consciousness/auth/v1/service_accounts_service_pb.js";
import { SubjectsService } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { SystemService } from "#gen/ts/consciousness/system/v1/system_service_pb.js";
import { Health } from "#gen/ts/grpc/health/v1/health_pb.js";
import { type Arrival, arrivalKey } from "../../../services/kit/chain/arrival.js";
import { type Layer, planChain } from "../../../services/kit/chain/chain.js";
import { type Call, callKey } from "../../../services/kit/context.js";
import { type MethodContract, resolveContract } from "../../../services/kit/contract/method.js";
import { operatorMethods } from "../../../services/kit/contract/operator-services.js";
import { errorFacts, type Reason } from "../../../services/kit/errors.js";
import { createLog, type LogLevel } from "../../../services/kit/log.js";
import { createMetrics } from "../../../services/kit/metrics.js";

type Request = UnaryRequest | StreamRequest;
type Response = UnaryResponse | StreamResponse;

export const { getAgent, createAgent, listAgents } = AgentsService.method;
export const { watch } = Health.method;

const services = [
  AccountsService,
  AuthService,
  ApiKeysService,
  ServiceAccountsService,
  SubjectsService,
  AgentsService,
  EngineService,
  SystemService,
];
/** Policies of the contract's methods. */
export const contracts = new Map([...resolveContract(services).methods, ...operatorMethods()]);

/** Policy of a method of the real contract. */
export function contractOf(method: DescMethod): MethodContract {
  const contract = contracts.get(method);
  if (!contract) throw new Error(`${method.name} has no contract`);
  return contract;
}

/** A call from outside that has passed the outermost layer. */
export function callWith(call: Partial<Call> = {}): Call {
  return {
    requestId: "0190a000-0000-7000-8000-000000000001",
    correlationId: "c-1",
    caller: Workload.UNSPECIFIED,
    principal: undefined,
    credential: undefined,
    deadline: Number.POSITIVE_INFINITY,
    queueMs: 0,
    ...call,
  };
}

export interface RequestInit {
  readonly message?: object;
  readonly header?: Record<string, string>;
  /** What is known of the call; nothing at all when undefined is given. */
  readonly call?: Partial<Call> | undefined;
  readonly arrival?: Partial<Arrival>;
  readonly signal?: AbortSignal;
}

/** A request for a method as Connect gives it to interceptors. */
export function requestOf(method: DescMethod, init: RequestInit = {}): Request {
  const values = createContextValues();
  if (!("call" in init) || init.call) values.set(callKey, callWith(init.call));
  if (init.arrival) {
    const arrival = { clientAddress: "", meshIdentity: undefined, requestId: undefined, reachedChain: false };
    values.set(arrivalKey, Object.assign(init.arrival, { ...arrival, ...init.arrival }));
  }
  const message = create(method.input, init.message as never);
  const common = {
    service: method.parent,
    method,
    url: `https://localhost/${method.parent.typeName}/${method.name}`,
    requestMethod: "POST",
    signal: init.signal ?? new AbortController().signal,
    header: new Headers(init.header),
    contextValues: values,
  };
  const unary = method.methodKind === "unary";
  return { ...common, stream: !unary, message: unary ? message : one(message) } as unknown as Request;
}

export type Handler = (request: Request) => unknown;

/** What comes back when the request passes the layers to the handler, whose result becomes the message. */
export async function pass(
  layers: readonly Layer[],
  request: Request,
  handler: Handler = () => ({}),
): Promise<Response> {
  const { method } = request;
  const plan = planChain(new Map([[method, contractOf(method)]]), layers).get(method);
  if (!plan) throw new Error("no plan");
  return plan(async (inner) => {
    const reply = await handler(inner);
    const common = { service: method.parent, header: new Headers(), trailer: new Headers() };
    return method.methodKind === "unary"
      ? { ...common, stream: false, method, message: create(method.output, reply as never) }
      : { ...common, stream: true, method, message: reply as AsyncIterable<Message> };
  })(request);
}

/** The messages of a streaming response. */
export async function messagesOf(response: Response): Promise<Message[]> {
  const messages: Message[] = [];
  if (response.stream) for await (const message of response.message) messages.push(message);
  return messages;
}

/** Expects code and reason of a refusal; returns the error for what else it says. */
export async function expectRefusal(answer: Promise<unknown>, code: Code, reason: Reason) {
  const error = await answer.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  const refusal = error as ConnectError;
  expect({ code: refusal.code, reason: errorFacts(refusal)?.reason }).toEqual({ code, reason });
  return refusal;
}

export interface LogLine {
  readonly level: string;
  readonly correlation_id: string;
  readonly message: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A log with what was written to it. */
export function recordedLog(level: LogLevel = "info") {
  const lines: LogLine[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  return { log: createLog({ service: "test", level, destination }), lines };
}

/** Metrics with the lines that name what a test looks for. */
export function recordedMetrics() {
  const metrics = createMetrics({ version: "1", workloads: [] });
  const matching = async (part: string) =>
    (await metrics.expose()).body.split("\n").filter((line) => line.startsWith(part));
  return { metrics, matching };
}

async function* one<T>(message: T) {
  yield message;
}
