import { Code, ConnectError } from "@connectrpc/connect";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Workload } from "#gen/ts/consciousness/contract/v1/workload_pb.js";
import { actorOf, signedInBy } from "../audit/actor.js";
import type { Audit, Urgency } from "../audit/audit.js";
import { type CallFacts, eventOf } from "../audit/event.js";
import type { Clock } from "../clock.js";
import { type Call, callOf } from "../context.js";
import type { MethodContract } from "../contract/method.js";
import type { Log } from "../log.js";
import type { Metrics } from "../metrics.js";
import { sharedTimers, type Timers } from "../timers.js";
import { arrivalKey } from "./arrival.js";
import type { Layer } from "./chain.js";
import { inTimeFor, requestedTimeout } from "./deadline.js";
import type { Hooks } from "./hooks.js";
import type { Request, Response } from "./next.js";
import { onSettled } from "./settle.js";

/** What the layer needs. */
export interface AuditLayerOptions {
  readonly workload: Workload;
  readonly audit: Audit;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "auditEvents">;
  readonly clock: Clock;
  /** The process's own unless given. */
  readonly timers?: Timers;
}

/** How long an answer waits for its event to be written, in milliseconds. */
const patienceMs = 1_000;

/**
 * Records what calls did: those that the contract gives an audit class, those
 * that are refused for want of identity or permission, those of API keys and
 * those in another tenant than the principal's own. The answer to a change or a
 * sign-in waits for its event, for a second at most; the effect is done then,
 * so it is told whether the event was written or not. A call that the gateway
 * forwards is recorded there alone.
 */
export function audit(options: AuditLayerOptions): Layer {
  const { workload, audit: record, clock } = options;
  const isEdge = workload === Workload.GATEWAY;
  return (contract) => {
    if (contract.workload === undefined && contract.access.kind === "public") return undefined;
    const urgency = urgencyOf(contract.audit);
    const isElsewhere = ({ caller }: Call) => !isEdge && contract.forwarded && caller === Workload.GATEWAY;

    const settle = (request: Request, since: number, ended: Ended): Promise<void> | undefined => {
      const call = callOf({ values: request.contextValues });
      const how =
        ended.error === undefined ? urgencyOfSuccess(urgency, call) : urgencyOfFailure(urgency, ended);
      if (!how || isElsewhere(call)) return undefined;
      const written = record.record(eventOf(contract, factsOf(request, call, ended, contract)), how);
      return written && inTime(written, { request, since, contract, options });
    };
    const hooks: Hooks<number> = {
      begin: () => clock.now(),
      served(response, request, since) {
        if (urgency === undefined && !isNoteworthy(request)) return response;
        return response.stream
          ? onSettled(response, request, (error) => void settle(request, since, { error, response }))
          : after(settle(request, since, { response }), response);
      },
      failed: (error, request, since) => settle(request, since, { error }),
    };
    return hooks;
  };
}

interface Ended {
  readonly response?: Response;
  readonly error?: unknown;
}

function urgencyOf(kind: AuditClass): Urgency | undefined {
  if (kind === AuditClass.UNSPECIFIED) return undefined;
  return kind === AuditClass.DECISION ? "soon" : "awaited";
}

function urgencyOfSuccess(urgency: Urgency | undefined, { principal }: Call): Urgency | undefined {
  if (principal && principal.home !== principal.tenant) return "awaited";
  return urgency ?? (principal?.apiKey ? "key-use" : undefined);
}

function urgencyOfFailure(urgency: Urgency | undefined, { error }: Ended): Urgency | undefined {
  const { code } = ConnectError.from(error);
  const isDenied = code === Code.Unauthenticated || code === Code.PermissionDenied;
  return urgency ?? (isDenied ? "soon" : undefined);
}

function isNoteworthy({ contextValues }: Request): boolean {
  const { principal } = callOf({ values: contextValues });
  return principal !== undefined && (principal.apiKey !== "" || principal.home !== principal.tenant);
}

function factsOf(
  request: Request,
  call: Call,
  { response, error }: Ended,
  contract: MethodContract,
): CallFacts {
  const { contextValues: values } = request;
  const arrival = values.get(arrivalKey);
  const answer = response && !response.stream ? response.message : undefined;
  const signedIn = contract.access.kind === "public" && answer ? signedInBy(answer, values) : undefined;
  const message = request.stream ? undefined : request.message;
  return {
    call,
    actor: call.principal ? actorOf(call.principal) : signedIn,
    message,
    answer,
    error: error === undefined ? undefined : ConnectError.from(error),
    arrival,
  };
}

/** Waits for an event for a second, or as long as the caller waits for the answer. */
function inTime(
  written: Promise<boolean>,
  {
    request,
    since,
    contract,
    options,
  }: { request: Request; since: number; contract: MethodContract; options: AuditLayerOptions },
): Promise<void> {
  const { clock, log, metrics, timers = sharedTimers } = options;
  const left = inTimeFor(requestedTimeout(request.header)) - (clock.now() - since);
  return new Promise((resolve) => {
    const timer = timers.start(Math.max(0, Math.min(patienceMs, left)), () => {
      const { requestId } = callOf({ values: request.contextValues });
      metrics.auditEvents.add({ outcome: "late" });
      log.error("an answer left before its audit event was written", {
        method: contract.name,
        request_id: requestId,
      });
      resolve();
    });
    written.then(() => {
      timer.stop();
      resolve();
    });
  });
}

function after(wait: Promise<void> | undefined, response: Response): Response | Promise<Response> {
  return wait ? wait.then(() => response) : response;
}
