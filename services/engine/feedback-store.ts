import { create } from "@bufbuild/protobuf";
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import {
  AnswerLabel,
  AnswerLabelSchema,
  VerdictLabel,
  VerdictLabelSchema,
} from "#gen/ts/consciousness/engine/v1/calibration_service_pb.js";
import type { Decision } from "#gen/ts/consciousness/engine/v1/decision_pb.js";
import { FeedbackRecordedSchema } from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import { Verdict, VerdictSchema } from "#gen/ts/consciousness/engine/v1/evaluation_pb.js";
import type { Clock } from "../kit/clock.js";
import type { Call, Principal } from "../kit/context.js";
import { enumNames } from "../kit/enum-names.js";
import { newId } from "../kit/ids.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { transaction } from "../kit/stores/database/kysely.js";
import type { Labelled } from "./domain/calibration/reliability.js";
import type { Calibration } from "./domain/models/calibration.js";
import { verdictName } from "./store.js";

/** The tables of feedback. */
export interface FeedbackTables {
  feedback: {
    tenant_id: string;
    id: string;
    decision_id: string;
    labeller: string;
    agent_id: string;
    verdict: string;
    shipped_confidence: number | null;
    answer_label: string | null;
    verdict_label: string | null;
    version: bigint;
    update_time: Date;
  };
  recalibrations: {
    tenant_id: string;
    agent_id: string;
    slope: number;
    offset: number;
    update_time: Date;
  };
}

/** What somebody says of a decision. */
export interface Feedback {
  readonly decision: Decision;
  readonly answer: AnswerLabel;
  readonly verdict: VerdictLabel;
}

/** How often a verdict got a label. */
export interface VerdictCount {
  readonly verdict: Verdict;
  readonly label: VerdictLabel;
  readonly count: number;
}

/** What is known of an agent's answers after a label. */
export interface Relabelled {
  readonly labels: number;
  readonly calibration: Calibration | undefined;
}

type Tables = FeedbackTables & OutboxTables;
type Trx = Transaction<Tables>;

/** Labels that a fit looks at, the latest ones. */
const mostLabels = 5_000;

const answerNames = enumNames<AnswerLabel>(AnswerLabelSchema);
const verdictLabelNames = enumNames<VerdictLabel>(VerdictLabelSchema);
const verdictNames = enumNames<Verdict>(VerdictSchema);

/** Keeps labels of decisions and what they make of each agent's confidence. */
export type FeedbackStore = ReturnType<typeof feedbackStore>;

/** Makes a store over the schema `engine`. */
export function feedbackStore({ db, clock }: { readonly db: Kysely<Tables>; readonly clock: Clock }) {
  return {
    /** Records a label with its event, and what `calibrate` makes of all of the agent's, in one transaction. */
    record(
      principal: Principal,
      feedback: Feedback,
      {
        call,
        calibrate,
      }: { readonly call: Call; calibrate(labelled: readonly Labelled[]): Calibration | undefined },
    ): Promise<Relabelled> {
      const { agentId } = feedback.decision;
      return transaction(db, async (trx) => {
        await oneAtATime(trx, principal.tenant, agentId);
        const row = await saveLabel(trx, principal, feedback, new Date(clock.now()));
        await recordEvent(trx, {
          call,
          clock,
          tenant: principal.tenant,
          aggregate: { type: "feedback", id: row.id, version: row.version },
          payload: { schema: FeedbackRecordedSchema, message: recorded(feedback) },
        });
        const labelled = await labelsOf(trx, principal, agentId);
        const calibration = calibrate(labelled);
        await saveCalibration(trx, principal, agentId, calibration, new Date(clock.now()));
        return { labels: labelled.length, calibration };
      });
    },

    /** Shipped probabilities of an agent's answers beside their labels, the latest first. */
    labels: (principal: Principal, agentId: string) => labelsOf(db, principal, agentId),

    /** How often each verdict of an agent got each label. */
    async verdicts({ tenant }: Principal, agentId: string): Promise<VerdictCount[]> {
      const rows = await db
        .selectFrom("feedback")
        .select(["verdict", "verdict_label", (rows) => rows.fn.countAll().as("count")])
        .where("tenant_id", "=", tenant)
        .where("agent_id", "=", agentId)
        .where("verdict_label", "is not", null)
        .groupBy(["verdict", "verdict_label"])
        .orderBy("verdict")
        .orderBy("verdict_label")
        .execute();
      return rows.map(({ verdict, verdict_label, count }) => ({
        verdict: verdictNames.valueOf(verdict.toUpperCase()) ?? Verdict.UNSPECIFIED,
        label: verdictLabelNames.valueOf((verdict_label ?? "").toUpperCase()) ?? VerdictLabel.UNSPECIFIED,
        count: Number(count),
      }));
    },

    /** The recalibration of an agent; undefined without one. */
    async calibration({ tenant }: Principal, agentId: string): Promise<Calibration | undefined> {
      return db
        .selectFrom("recalibrations")
        .select(["slope", "offset"])
        .where("tenant_id", "=", tenant)
        .where("agent_id", "=", agentId)
        .executeTakeFirst();
    },
  };
}

/** Two labels at once would each be fitted without the other. */
async function oneAtATime(trx: Trx, tenant: string, agentId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`feedback ${tenant} ${agentId}`}, 0))`.execute(
    trx,
  );
}

async function saveLabel(
  trx: Trx,
  { tenant, subject }: Principal,
  { decision, answer, verdict }: Feedback,
  now: Date,
): Promise<Pick<Selectable<FeedbackTables["feedback"]>, "id" | "version">> {
  const said = {
    answer_label: answer === AnswerLabel.UNSPECIFIED ? null : answerNames.nameOf(answer).toLowerCase(),
    verdict_label:
      verdict === VerdictLabel.UNSPECIFIED ? null : verdictLabelNames.nameOf(verdict).toLowerCase(),
    update_time: now,
  };
  return trx
    .insertInto("feedback")
    .values({
      ...said,
      tenant_id: tenant,
      id: newId(),
      decision_id: decision.id,
      labeller: subject,
      agent_id: decision.agentId,
      verdict: verdictName(decision.verdict),
      shipped_confidence: decision.shippedConfidence ?? null,
      version: 1n,
    })
    .onConflict((conflict) =>
      conflict
        .constraint("feedback_once")
        .doUpdateSet((row) => ({ ...said, version: row("feedback.version", "+", 1n) })),
    )
    .returning(["id", "version"])
    .executeTakeFirstOrThrow();
}

/** Several people's labels of one decision count as one, their mean. */
async function labelsOf(db: Kysely<Tables>, { tenant }: Principal, agentId: string): Promise<Labelled[]> {
  const supported = sql<number>`avg(case answer_label when 'supported' then 1.0 else 0.0 end)::float8`;
  const rows = await db
    .selectFrom("feedback")
    .select(["shipped_confidence", supported.as("supported")])
    .where("tenant_id", "=", tenant)
    .where("agent_id", "=", agentId)
    .where("answer_label", "is not", null)
    .groupBy(["decision_id", "shipped_confidence"])
    .orderBy(sql`max(update_time)`, "desc")
    .orderBy("decision_id")
    .limit(mostLabels)
    .execute();
  return rows.map((row) => ({ probability: row.shipped_confidence ?? 0, supported: row.supported }));
}

async function saveCalibration(
  trx: Trx,
  { tenant }: Principal,
  agentId: string,
  calibration: Calibration | undefined,
  now: Date,
): Promise<void> {
  if (!calibration) {
    // A label that was taken back may leave too few.
    await trx
      .deleteFrom("recalibrations")
      .where("tenant_id", "=", tenant)
      .where("agent_id", "=", agentId)
      .execute();
    return;
  }
  const changed = { slope: calibration.slope, offset: calibration.offset, update_time: now };
  await trx
    .insertInto("recalibrations")
    .values({ ...changed, tenant_id: tenant, agent_id: agentId })
    .onConflict((conflict) => conflict.columns(["tenant_id", "agent_id"]).doUpdateSet(changed))
    .execute();
}

function recorded({ decision, answer, verdict }: Feedback) {
  return create(FeedbackRecordedSchema, {
    decisionId: decision.id,
    agentId: decision.agentId,
    answer,
    verdict,
  });
}
