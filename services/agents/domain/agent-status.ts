import { AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { errors } from "../../kit/errors.js";

const { UNSPECIFIED, INACTIVE, ACTIVE, SUSPENDED, ARCHIVED } = AgentStatus;

const successors: Record<AgentStatus, readonly AgentStatus[]> = {
  [UNSPECIFIED]: [INACTIVE, ACTIVE],
  [INACTIVE]: [ACTIVE, ARCHIVED],
  [ACTIVE]: [INACTIVE, SUSPENDED, ARCHIVED],
  [SUSPENDED]: [ACTIVE, ARCHIVED],
  [ARCHIVED]: [],
};

/** Status of a new agent: INACTIVE unless asked otherwise. Throws AGENT_STATUS_TRANSITION. */
export function initialStatus(requested: AgentStatus): AgentStatus {
  return nextStatus(UNSPECIFIED, requested === UNSPECIFIED ? INACTIVE : requested);
}

/** Status after a change; UNSPECIFIED asks for none. Throws AGENT_STATUS_TRANSITION. */
export function nextStatus(from: AgentStatus, requested: AgentStatus): AgentStatus {
  if (requested === UNSPECIFIED || requested === from) return from;
  if (!successors[from].includes(requested)) {
    throw errors.agentStatusTransition({ from: statusName(from), to: statusName(requested) });
  }
  return requested;
}

function statusName(status: AgentStatus): string {
  return `AGENT_STATUS_${AgentStatus[status]}`;
}
