import { create, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { Kysely, Transaction } from "kysely";
import { SelfAssessedSchema } from "#gen/ts/consciousness/engine/v1/engine_events_pb.js";
import type { EngineService } from "#gen/ts/consciousness/engine/v1/engine_service_pb.js";
import {
  type SelfAssessment,
  SelfAssessmentSchema,
  type SelfChange,
} from "#gen/ts/consciousness/engine/v1/state_pb.js";
import type { Clock } from "../kit/clock.js";
import { callOf, principalOf } from "../kit/context.js";
import { type HandledCall, once } from "../kit/idempotency/handle.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { changesBetween } from "./domain/self-assessment.js";

/** The table of assessments, one row for each principal that asked. */
export interface SelfAssessmentTables {
  self_assessments: {
    tenant_id: string;
    subject: string;
    version: bigint;
    assessment: Uint8Array;
    update_time: Date;
  };
}

/** What the store is made of. */
export interface SelfAssessmentStoreOptions {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
}

/** An assessment beside the principal's one before. */
export interface Compared {
  /** Undefined the first time. */
  readonly previous: SelfAssessment | undefined;
  /** Empty the first time. */
  readonly changes: SelfChange[];
}

type Tables = SelfAssessmentTables & OutboxTables;
type Method = typeof EngineService.method.assessSelf;

/** Keeps the last assessment that each principal was given. */
export type SelfAssessmentStore = ReturnType<typeof selfAssessmentStore>;

/** Makes a store over the schema `engine`. */
export function selfAssessmentStore({ db, clock }: SelfAssessmentStoreOptions) {
  return {
    /**
     * Puts an assessment in the place of the principal's last one, with its
     * event, in one transaction and once for the call's idempotency key.
     */
    record(
      handled: HandledCall<Method>,
      assessment: SelfAssessment,
      answer: (compared: Compared) => MessageInitShape<Method["output"]>,
    ): Promise<MessageShape<Method["output"]>> {
      const { tenant, subject } = principalOf(handled.context);
      return once(db, { ...handled, clock }, async (trx) => {
        const previous = await last(trx, tenant, subject);
        const changes = previous ? changesBetween(previous, assessment) : [];
        const { version } = await save(trx, tenant, subject, assessment, new Date(clock.now()));
        await recordEvent(trx, {
          call: callOf(handled.context),
          clock,
          tenant,
          aggregate: { type: "self_assessment", id: subject, version },
          payload: {
            schema: SelfAssessedSchema,
            message: create(SelfAssessedSchema, { assessment, changes }),
          },
        });
        return answer({ previous, changes });
      });
    },
  };
}

/** Locked, so that two calls of a principal are compared one after the other. */
async function last(
  trx: Transaction<Tables>,
  tenant: string,
  subject: string,
): Promise<SelfAssessment | undefined> {
  const row = await trx
    .selectFrom("self_assessments")
    .select("assessment")
    .where("tenant_id", "=", tenant)
    .where("subject", "=", subject)
    .forUpdate()
    .executeTakeFirst();
  return row && fromBinary(SelfAssessmentSchema, row.assessment);
}

function save(
  trx: Transaction<Tables>,
  tenant: string,
  subject: string,
  assessment: SelfAssessment,
  now: Date,
): Promise<{ version: bigint }> {
  const changed = { assessment: toBinary(SelfAssessmentSchema, assessment), update_time: now };
  return trx
    .insertInto("self_assessments")
    .values({ ...changed, tenant_id: tenant, subject, version: 1n })
    .onConflict((conflict) =>
      conflict
        .columns(["tenant_id", "subject"])
        .doUpdateSet((row) => ({ ...changed, version: row("self_assessments.version", "+", 1n) })),
    )
    .returning("version")
    .executeTakeFirstOrThrow();
}
