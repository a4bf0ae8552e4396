import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";
import type { Role, Tier } from "#gen/ts/consciousness/auth/v1/profile_pb.js";
import type { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import type { Clock } from "./clock.js";
import { errors } from "./errors.js";
import type { IdempotencyKey } from "./idempotency/key.js";
import { newId } from "./ids.js";

/** Who asks: the verified bearer of a credential. Stores take it first. */
export interface Principal {
  /** Tenant in which the principal acts. */
  readonly tenant: string;
  /** Tenant of its account; another one than `tenant` only for who administers tenants. */
  readonly home: string;
  /** Id of the user or of the service account, or name of the workload. */
  readonly subject: string;
  /** A person, a service account, or a workload of ours that acts for itself. */
  readonly kind: "user" | "machine" | "workload";
  readonly username: string;
  readonly roles: readonly Role[];
  readonly permissions: ReadonlySet<Permission>;
  readonly tier: Tier;
  /** Session of a user's token; empty for any other kind, and for API keys. */
  readonly session: string;
  /** API key that proved the principal; empty for any other credential. */
  readonly apiKey: string;
  /** How often the account's rights had changed when its token was issued; a token of an older epoch is refused. */
  readonly epoch: number;
}

/** Who is at the other end of a call from outside, as far as it shows. */
export interface Client {
  /** IP address of the peer that connected to the edge, or that trusted proxies report; empty when unknown. */
  readonly address: string;
  /** How the client's program names itself: its claim, at most 256 visible characters; empty when it does not. */
  readonly agent: string;
}

/** What is known of a call before its handler runs. The wire cannot forge it: only the chain and peers make it. */
export interface Call {
  /** Our id of the request (UUIDv7), the same in every service it passes. */
  readonly requestId: string;
  /** The client's `x-request-id` when well-formed, else `requestId`; for correlation only. */
  readonly correlationId: string;
  /** The workload that calls; GATEWAY for everybody outside. */
  readonly caller: Workload;
  /** Absent where no request from outside began the call. */
  readonly client?: Client | undefined;
  /** Absent on public methods called without a credential. */
  readonly principal: Principal | undefined;
  /** The token that proved the principal, for the exchange at the next hop; never logged. */
  readonly credential: string | undefined;
  /** When the caller stops waiting, in milliseconds of the epoch; infinite when never. */
  readonly deadline: number;
  /** How long the call waited for admission, in milliseconds. */
  readonly queueMs: number;
  /** The client's key for this call, where the method keeps results. */
  readonly idempotencyKey?: IdempotencyKey | undefined;
  /** `traceparent` that tells peers and events that nobody records this call; absent when its span is, or nobody traces. */
  readonly sampledOut?: string | undefined;
}

/**
 * A call to which the chain that serves it still adds, in objects of one shape.
 * Nobody else has it: who passes a call on begins another one with what is known.
 */
export class OpenCall implements Call {
  requestId: string;
  correlationId: string;
  caller: Workload;
  client: Client | undefined;
  principal: Principal | undefined;
  credential: string | undefined;
  deadline: number;
  queueMs: number;
  idempotencyKey: IdempotencyKey | undefined;
  sampledOut: string | undefined;

  constructor(known: Call) {
    this.requestId = known.requestId;
    this.correlationId = known.correlationId;
    this.caller = known.caller;
    this.client = known.client;
    this.principal = known.principal;
    this.credential = known.credential;
    this.deadline = known.deadline;
    this.queueMs = known.queueMs;
    this.idempotencyKey = known.idempotencyKey;
    this.sampledOut = known.sampledOut;
  }
}

/** What a handler passes on when it calls a peer: its own context. */
export interface Caller {
  readonly values: ContextValues;
  readonly signal: AbortSignal;
  /** Headers of the answer that the caller itself gives; absent when it answers nobody. */
  readonly responseHeader?: Headers;
}

/** Key of the call in Connect's context values. */
export const callKey = createContextKey<Call | undefined>(undefined, { description: "call" });

/** Key of `Call.sampledOut` before there is a call. */
export const sampledOutKey = createContextKey<string | undefined>(undefined, { description: "sampled out" });

/** The call that a handler serves. */
export function callOf(context: { readonly values: ContextValues }): Call {
  const call = context.values.get(callKey);
  if (!call) throw errors.internal(new Error("the handler was reached past the chain"));
  return call;
}

/** The same for the chain that serves it. */
export function openCallOf(context: { readonly values: ContextValues }): OpenCall {
  return callOf(context) as OpenCall;
}

/** The principal of a method that is not public. */
export function principalOf(context: { readonly values: ContextValues }): Principal {
  const { principal } = callOf(context);
  if (!principal) throw errors.credentialsMissing();
  return principal;
}

/** The caller of a peer for work that no request asked for: no principal, and `timeoutMs` to finish. */
export function backgroundCaller(clock: Clock, timeoutMs: number): Caller {
  const requestId = newId();
  const call: Call = {
    requestId,
    correlationId: requestId,
    caller: Workload.UNSPECIFIED,
    principal: undefined,
    credential: undefined,
    deadline: clock.now() + timeoutMs,
    queueMs: 0,
  };
  return { values: createContextValues().set(callKey, call), signal: AbortSignal.timeout(timeoutMs) };
}
