import { context, ROOT_CONTEXT } from "@opentelemetry/api";
import { AuditService } from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { ErrorReason } from "#gen/ts/consciousness/contract/v1/error_reason_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import type { Clock } from "../clock.js";
import { backgroundCaller } from "../context.js";
import type { PeersOf } from "../peers/network.js";
import type { Peer } from "../peers/peers.js";
import type { Timers } from "../timers.js";
import type { NewAuditEvent } from "./event.js";
import { createSampler } from "./sampler.js";
import { type AuditTrail, auditTrail, type TrailOptions } from "./trail.js";

/** How an event goes into the record. */
export type Urgency = "awaited" | "soon" | "key-use";

/** Records what happened: the one function by which audit events are made. */
export interface Audit {
  /**
   * Records an event. Undefined when nobody has to wait; else resolves to
   * whether it is in the record.
   */
  record(event: NewAuditEvent, urgency: Urgency): Promise<boolean> | undefined;
  /** Sends what waits, for two seconds at most. */
  stop(): Promise<void>;
}

/** What auditing needs. */
export interface AuditOptions extends Omit<TrailOptions, "write"> {
  readonly peers: PeersOf;
  readonly clock: Clock;
}

const block = ErrorReason[ErrorReason.ETHICAL_VIOLATION];
const writeMs = 1_000;
const failures = { allowed: 20, windowMs: 10_000 };
const keyUses = { allowed: 1, windowMs: 60_000 };

/** Makes the audit of a workload, which writes to auth's record. */
export function createAudit({ peers, clock, ...options }: AuditOptions): Audit {
  let record: Peer<typeof AuditService> | undefined;
  const write: TrailOptions["write"] = (events) => {
    record ??= peers(AuditService);
    const { recordAuditEvents } = record;
    // A batch is of many calls, so it is part of no call's trace.
    return context.with(ROOT_CONTEXT, () =>
      recordAuditEvents({ events: events.map(toMessage) }, backgroundCaller(clock, writeMs)),
    );
  };
  return auditOver(auditTrail({ ...options, write }), options.timers);
}

/**
 * The audit over a trail. Of failures that are alike, and of uses of one key,
 * most are counted, not told one by one; a block is a decision, and none of them
 * is left out.
 */
export function auditOver(trail: AuditTrail, timers?: Timers): Audit {
  const common = { emit: trail.note.bind(trail), ...(timers && { timers }) };
  const failed = createSampler({ ...failures, ...common, nameOf: failureName });
  const used = createSampler({ ...keyUses, ...common, nameOf: useName });
  return {
    record(event, urgency) {
      const isFailure = event.event.code !== Code.OK;
      if (isFailure && !isBlock(event) && !failed.admits(event)) return undefined;
      if (!isFailure && urgency === "key-use" && !used.admits(event)) return undefined;
      if (urgency === "awaited") return trail.record(event);
      trail.note(event);
      return undefined;
    },
    async stop() {
      failed.flush();
      used.flush();
      await trail.stop();
    },
  };
}

function toMessage({ event: { actor, ...details }, ...names }: NewAuditEvent) {
  return { ...names, event: actor ? { ...details, actor } : details };
}

/** Its caller has a principal and a rate limit, which bound a flood of them. */
function isBlock({ event }: NewAuditEvent): boolean {
  return event.auditClass === AuditClass.DECISION && event.reason === block;
}

function failureName({ event }: NewAuditEvent): string {
  return JSON.stringify([event.address, event.reason, event.actor?.tenantId, event.actor?.subject]);
}

function useName({ event }: NewAuditEvent): string {
  return JSON.stringify([event.actor?.apiKeyId, event.address, event.method]);
}
