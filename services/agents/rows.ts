import { create, fromJson, type JsonValue, toJsonString } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { ColumnType, Generated, Selectable } from "kysely";
import {
  type Agent,
  AgentConfigurationSchema,
  AgentRole,
  AgentSchema,
  type AgentShare,
  AgentShareSchema,
  AgentStatus,
  KnowledgeDocumentSchema,
} from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { etagOf } from "../kit/etag.js";

type Json = ColumnType<JsonValue, string, string>;

/** Row of `agents`. */
export interface AgentsTable {
  tenant_id: string;
  id: string;
  owner: string;
  name: string;
  description: string;
  agent_type: string;
  /** `AgentConfiguration` as protobuf JSON. */
  configuration: Json;
  /** A list of `KnowledgeDocument` as protobuf JSON. */
  knowledge: Json;
  /** Name of the status in lower case. */
  status: string;
  version: Generated<bigint>;
  create_time: Date;
  update_time: Date;
}

/** Row of `agent_shares`. */
export interface AgentSharesTable {
  tenant_id: string;
  agent_id: string;
  subject: string;
  /** Name of the role in lower case: viewer or editor. */
  role: string;
  shared_by: string;
  create_time: Date;
  update_time: Date;
}

/** The service's tables. */
export interface AgentTables {
  agents: AgentsTable;
  agent_shares: AgentSharesTable;
}

/** Every column but the knowledge, which lists and events leave out. */
export const slimColumns = [
  "tenant_id",
  "id",
  "owner",
  "name",
  "description",
  "agent_type",
  "configuration",
  "status",
  "version",
  "create_time",
  "update_time",
] as const satisfies readonly (keyof AgentsTable)[];

/** A row with or without its knowledge. */
export type AgentRow = Pick<Selectable<AgentsTable>, (typeof slimColumns)[number]> & {
  readonly knowledge?: JsonValue;
};

// A newer release may have written fields that this one does not know.
const lenient = { ignoreUnknownFields: true };

/** The agent that a row holds, with its etag, and the role of who asks for it. */
export function toAgent(row: AgentRow, role = AgentRole.UNSPECIFIED): Agent {
  return create(AgentSchema, {
    id: row.id,
    name: row.name,
    description: row.description,
    agentType: row.agent_type,
    configuration: fromJson(AgentConfigurationSchema, row.configuration, lenient),
    knowledge: documents(row.knowledge).map((one) => fromJson(KnowledgeDocumentSchema, one, lenient)),
    status: AgentStatus[row.status.toUpperCase() as keyof typeof AgentStatus],
    owner: row.owner,
    etag: etagOf(row),
    createTime: timestampFromDate(row.create_time),
    updateTime: timestampFromDate(row.update_time),
    role,
  });
}

/** The share that a row holds. */
export function toShare(row: Omit<AgentSharesTable, "tenant_id" | "agent_id">): AgentShare {
  return create(AgentShareSchema, {
    subject: row.subject,
    role: AgentRole[row.role.toUpperCase() as keyof typeof AgentRole],
    sharedBy: row.shared_by,
    createTime: timestampFromDate(row.create_time),
    updateTime: timestampFromDate(row.update_time),
  });
}

/** The columns that an update may change, but for the knowledge. */
export function slimValues(agent: Agent) {
  return {
    name: agent.name,
    description: agent.description,
    agent_type: agent.agentType,
    configuration: toJsonString(
      AgentConfigurationSchema,
      agent.configuration ?? create(AgentConfigurationSchema),
    ),
    status: statusText(agent.status),
  };
}

/** The knowledge as its column keeps it. */
export function knowledgeValue(agent: Agent): string {
  return `[${agent.knowledge.map((one) => toJsonString(KnowledgeDocumentSchema, one)).join(",")}]`;
}

/** A status as its column keeps it. */
export function statusText(status: AgentStatus): string {
  return AgentStatus[status].toLowerCase();
}

function documents(knowledge: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(knowledge) ? knowledge : [];
}
