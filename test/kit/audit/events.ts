import { AuditClass } from "#gen/ts/consciousness/contract/v1/contract_pb.js";
import { Code } from "#gen/ts/google/rpc/code_pb.js";
import { actorOf } from "../../../services/kit/audit/actor.js";
import type { AuditDetails, NewAuditEvent } from "../../../services/kit/audit/event.js";
import { newId } from "../../../services/kit/ids.js";
import { ada } from "../tokens/forge.js";

/** An event of Ada's deletion of an agent, or what the test says otherwise. */
export function auditEvent(
  details: Partial<AuditDetails> = {},
  names: Partial<NewAuditEvent> = {},
): NewAuditEvent {
  return {
    accountName: "",
    tenantName: "",
    accountId: "",
    ...names,
    event: {
      id: newId(),
      actor: actorOf(ada),
      method: "consciousness.agents.v1.AgentsService/DeleteAgent",
      auditClass: AuditClass.CHANGE,
      target: "a1",
      address: "192.0.2.1",
      userAgent: "curl/8",
      code: Code.OK,
      reason: "",
      requestId: newId(),
      count: 1,
      ...details,
    },
  };
}

/** A refusal of a stranger. */
export function denial(details: Partial<AuditDetails> = {}): NewAuditEvent {
  return auditEvent({ actor: undefined, code: Code.UNAUTHENTICATED, reason: "TOKEN_INVALID", ...details });
}
