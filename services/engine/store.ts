import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { ExpressionBuilder, Kysely } from "kysely";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Decision, DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { DecisionRecordedSchema } from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Clock } from "../kit/clock.js";
import type { Call, Principal } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { transaction } from "../kit/stores/database/kysely.js";

/** A row of `decisions`. */
export interface DecisionsTable {
  tenant_id: string;
  id: string;
  subject: string;
  agent_id: string | null;
  request_id: string;
  /** Name of the verdict in lower case. */
  verdict: string;
  decision: Uint8Array;
  create_time: Date;
}

/** The service's tables. */
export interface EngineTables {
  decisions: DecisionsTable;
}

/** What the store is made of. */
export interface DecisionStoreOptions {
  readonly db: Kysely<EngineTables & OutboxTables>;
  readonly clock: Clock;
}

/** Keeps decisions. A principal sees its own, an administrator those of the tenant. */
export type DecisionStore = ReturnType<typeof decisionStore>;

/** Makes a store over the schema `engine`. A decision and its event are one transaction. */
export function decisionStore({ db, clock }: DecisionStoreOptions) {
  return {
    /** Records a decision of the principal's. */
    async insert(principal: Principal, call: Pick<Call, "requestId" | "principal">, decision: Decision) {
      await transaction(db, async (trx) => {
        await trx
          .insertInto("decisions")
          .values(toRow(principal, decision, clock))
          .execute();
        await recordEvent(trx, {
          call,
          clock,
          tenant: principal.tenant,
          aggregate: { type: "decision", id: decision.id, version: 1n },
          payload: { schema: DecisionRecordedSchema, message: recorded(decision) },
        });
      });
    },

    /** One decision. Rejects with DECISION_NOT_FOUND, also when it is another's. */
    async load(principal: Principal, id: string): Promise<Decision> {
      const row = await db
        .selectFrom("decisions")
        .select("decision")
        .where(visibleTo(principal))
        .where("id", "=", id)
        .executeTakeFirst();
      if (!row) throw errors.decisionNotFound({ id });
      return fromBinary(DecisionSchema, row.decision);
    },
  };
}

function visibleTo({ tenant, subject, permissions }: Principal) {
  return (where: ExpressionBuilder<EngineTables & OutboxTables, "decisions">) =>
    permissions.has(Permission.CONSCIOUSNESS_ADMIN)
      ? where.and({ tenant_id: tenant })
      : where.and({ tenant_id: tenant, subject });
}

function toRow({ tenant, subject }: Principal, decision: Decision, clock: Clock): DecisionsTable {
  return {
    tenant_id: tenant,
    id: decision.id,
    subject,
    agent_id: decision.agentId === "" ? null : decision.agentId,
    request_id: decision.requestId,
    verdict: verdictName(decision.verdict),
    decision: toBinary(DecisionSchema, decision),
    create_time: new Date(clock.now()),
  };
}

/** Name of a verdict in lower case, such as `allowed`. */
export function verdictName(verdict: Verdict): string {
  return (Verdict[verdict] ?? "").toLowerCase();
}

function recorded(decision: Decision) {
  const { id, requestId, agentId, verdict, ethicalEvaluation, consciousnessQuality, processingMetrics } =
    decision;
  const score = ethicalEvaluation?.overallScore;
  return create(DecisionRecordedSchema, {
    decisionId: id,
    requestId,
    agentId,
    verdict,
    ruleIds: [...new Set(ethicalEvaluation?.violations.map(({ ruleId }) => ruleId))],
    ...(consciousnessQuality === undefined ? {} : { consciousnessQuality }),
    ...(score === undefined ? {} : { ethicalScore: score }),
    ...(processingMetrics ? { processingMetrics } : {}),
  });
}
