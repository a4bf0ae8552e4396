import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { HandlerContext } from "@connectrpc/connect";
import type { ExpressionBuilder, Kysely, Transaction } from "kysely";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import { type Decision, DecisionSchema } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { DecisionRecordedSchema } from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import {
  type DecisionSummary,
  DecisionSummarySchema,
  EngineService,
  GetDecisionRequestSchema,
} from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import { Verdict } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Clock } from "../kit/clock.js";
import { type Call, callOf, type Principal, principalOf } from "../kit/context.js";
import { resolveContract } from "../kit/contract/method.js";
import { errors } from "../kit/errors.js";
import { type HandledCall, keyedRequest } from "../kit/idempotency/handle.js";
import { reserved } from "../kit/idempotency/reserved.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { transaction, withNext } from "../kit/stores/database/kysely.js";
import { decisionRecorded } from "./decision-recorded.js";
import type { FeedbackTables } from "./feedback-store.js";
import type { PolicyTables } from "./policy-store.js";
import type { PseudonymTables } from "./pseudonym-store.js";
import type { SelfAssessmentTables } from "./self-assessment-store.js";

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
export interface EngineTables extends FeedbackTables, PolicyTables, PseudonymTables, SelfAssessmentTables {
  decisions: DecisionsTable;
}

/** What the store is made of. */
export interface DecisionStoreOptions {
  readonly db: Kysely<EngineTables & OutboxTables>;
  readonly clock: Clock;
}

/** Which page of the decisions that the principal may see. */
export interface DecisionQuery {
  /** Those decided then or later; undefined for all. */
  readonly since: Date | undefined;
  /** Id of the decision that the page follows; undefined for the first page. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** A decision, and whether an earlier call made it. */
export interface DecidedOnce {
  readonly decision: Decision;
  readonly replayed: boolean;
}

type Tables = EngineTables & OutboxTables;
type Origin = Pick<Call, "requestId" | "principal">;

/** Longer than Process may take, as whoever is late must not find its call taken over. */
const holdMs = deadlineOf(EngineService.method.process) + 5_000;

/** Keeps decisions. A principal sees its own, an administrator those of the tenant. */
export type DecisionStore = ReturnType<typeof decisionStore>;

/** Makes a store over the schema `engine`. A decision and its event are one transaction. */
export function decisionStore({ db, clock }: DecisionStoreOptions) {
  const insert = async (
    { principal, call }: { readonly principal: Principal; readonly call: Origin },
    decision: Decision,
    keep?: (trx: Transaction<Tables>) => Promise<void>,
  ) => {
    await transaction(db, async (trx) => {
      await trx
        .insertInto("decisions")
        .values(toRow(principal, decision, clock))
        .modifyEnd(withNext)
        .execute();
      await keep?.(trx);
      await recordEvent(trx, {
        call,
        clock,
        tenant: principal.tenant,
        aggregate: { type: "decision", id: decision.id, version: 1n },
        payload: { schema: DecisionRecordedSchema, message: decisionRecorded(decision) },
      });
    });
  };

  const load = async (principal: Principal, id: string): Promise<Decision> => {
    const row = await db
      .selectFrom("decisions")
      .select("decision")
      .where(visibleTo(principal))
      .where("id", "=", id)
      .executeTakeFirst();
    if (!row) throw errors.decisionNotFound({ id });
    return fromBinary(DecisionSchema, row.decision);
  };

  return {
    /**
     * Records what `decide` decides, once for the call's idempotency key. No
     * transaction is open while it decides, as it may wait for a provider: the
     * key is reserved meanwhile, and the decision's id is kept under it.
     */
    async once(
      handled: HandledCall<typeof EngineService.method.process>,
      decide: () => Promise<Decision>,
    ): Promise<DecidedOnce> {
      const call = callOf(handled.context);
      const principal = principalOf(handled.context);
      const key = call.idempotencyKey?.value;
      if (key === undefined) {
        const decision = await decide();
        await insert({ principal, call }, decision);
        return { decision, replayed: false };
      }
      const keyed = { ...keyedRequest(handled), key, kept: GetDecisionRequestSchema, holdMs, clock };
      return reserved(db, keyed, {
        async make(keep): Promise<DecidedOnce> {
          const decision = await decide();
          const kept = create(GetDecisionRequestSchema, { id: decision.id });
          await insert({ principal, call }, decision, (trx) => keep(trx, kept));
          return { decision, replayed: false };
        },
        recall: async ({ id }) => ({ decision: await load(principal, id), replayed: true }),
      });
    },

    /** Records the decision of a call that has no idempotency key, as streams have none. */
    record: (context: HandlerContext, decision: Decision) =>
      insert({ principal: principalOf(context), call: callOf(context) }, decision),

    /** A page of decisions in short, newest first; `after` is the id of the one that it follows. */
    async list(principal: Principal, { since, after, limit }: DecisionQuery): Promise<DecisionSummary[]> {
      let query = db
        .selectFrom("decisions")
        .select(["id", "agent_id", "verdict", "create_time"])
        .where(visibleTo(principal));
      if (since) query = query.where("create_time", ">=", since);
      if (after !== undefined) query = query.where("id", "<", after);
      const rows = await query.orderBy("id", "desc").limit(limit).execute();
      return rows.map(toSummary);
    },

    /** The latest decisions that the principal may see, whole, newest first. */
    async latest(principal: Principal, limit: number): Promise<Decision[]> {
      const rows = await db
        .selectFrom("decisions")
        .select("decision")
        .where(visibleTo(principal))
        .orderBy("id", "desc")
        .limit(limit)
        .execute();
      return rows.map(({ decision }) => fromBinary(DecisionSchema, decision));
    },

    /** One decision. Rejects with DECISION_NOT_FOUND, also when it is another's. */
    load,
  };
}

function deadlineOf(method: typeof EngineService.method.process): number {
  return resolveContract([EngineService]).methods.get(method)?.deadlineMs ?? 0;
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

function toSummary(
  row: Pick<DecisionsTable, "id" | "agent_id" | "verdict" | "create_time">,
): DecisionSummary {
  return create(DecisionSummarySchema, {
    id: row.id,
    agentId: row.agent_id ?? "",
    verdict: Verdict[row.verdict.toUpperCase() as keyof typeof Verdict],
    createTime: timestampFromDate(row.create_time),
  });
}

/** Name of a verdict in lower case, such as `allowed`. */
export function verdictName(verdict: Verdict): string {
  return (Verdict[verdict] ?? "").toLowerCase();
}
