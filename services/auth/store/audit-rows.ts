import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Selectable } from "kysely";
import {
  type AuditActor,
  type AuditEvent,
  AuditEventSchema,
} from "#gen/ts/consciousness/auth/v1/audit_service_pb.js";
import { SubjectKindSchema } from "#gen/ts/consciousness/auth/v1/subjects_service_pb.js";
import { AuditClassSchema } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { enumNames } from "../../kit/enum-names.js";
import { timeOfId } from "../../kit/ids.js";

/** Row of `audit_events`. Times are in the ids. */
export interface AuditEventsTable {
  id: string;
  /** Whose record it belongs to; empty for the platform's. */
  tenant_id: string;
  kind: string;
  subject: string;
  acting_tenant_id: string;
  home_tenant_id: string;
  session_id: string;
  api_key_id: string;
  method: string;
  audit_class: string;
  target: string;
  address: string;
  user_agent: string;
  /** Such as `PERMISSION_DENIED`, or `OK`. */
  code: string;
  reason: string;
  request_id: string;
  workload: string;
  count: number;
}

const kinds = enumNames(SubjectKindSchema);
const classes = enumNames(AuditClassSchema);

/** What is unspecified is empty. */
const lower = (name: string): string => (name === "UNSPECIFIED" ? "" : name.toLowerCase());

/** What an event says; its time is its id's. */
export type AuditFacts = Omit<AuditEvent, "$typeName" | "$unknown" | "time">;

/** The row of an event in the record of one tenant. */
export function toAuditRow(event: AuditFacts, tenant: string): AuditEventsTable {
  const { id, method, target, address, userAgent, reason, requestId, workload } = event;
  return {
    id,
    tenant_id: tenant,
    ...actorValues(event.actor),
    method,
    audit_class: lower(classes.nameOf(event.auditClass)),
    target,
    address,
    user_agent: userAgent,
    code: Code[event.code] ?? "UNKNOWN",
    reason,
    request_id: requestId,
    workload,
    count: Math.max(1, event.count),
  };
}

/** The event that a row holds. */
export function toAuditEvent(row: Selectable<AuditEventsTable>): AuditEvent {
  return create(AuditEventSchema, {
    id: row.id,
    time: timestampFromMs(timeOfId(row.id)),
    actor: {
      kind: kinds.valueOf(row.kind.toUpperCase()) ?? 0,
      subject: row.subject,
      tenantId: row.acting_tenant_id,
      homeTenantId: row.home_tenant_id,
      sessionId: row.session_id,
      apiKeyId: row.api_key_id,
    },
    method: row.method,
    auditClass: classes.valueOf(row.audit_class.toUpperCase()) ?? 0,
    target: row.target,
    address: row.address,
    userAgent: row.user_agent,
    code: Code[row.code as keyof typeof Code],
    reason: row.reason,
    requestId: row.request_id,
    workload: row.workload,
    count: row.count,
  });
}

function actorValues(actor: AuditActor | undefined) {
  return {
    kind: lower(kinds.nameOf(actor?.kind ?? 0)),
    subject: actor?.subject ?? "",
    acting_tenant_id: actor?.tenantId ?? "",
    home_tenant_id: actor?.homeTenantId ?? "",
    session_id: actor?.sessionId ?? "",
    api_key_id: actor?.apiKeyId ?? "",
  };
}
