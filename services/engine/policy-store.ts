import { create, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Kysely, Selectable, Transaction } from "kysely";
import { PolicyChangedSchema } from "#gen/ts/consciousness/policy/v1/policy_events_pb.js";
import {
  GetPolicyResponseSchema,
  type PolicyService,
  type PolicyVersion,
  PolicyVersionSchema,
} from "#gen/ts/consciousness/policy/v1/policy_service_pb.js";
import type { Clock } from "../kit/clock.js";
import { type Call, callOf, principalOf } from "../kit/context.js";
import { errors } from "../kit/errors.js";
import { etagOf } from "../kit/etag.js";
import type { HandledCall } from "../kit/idempotency/handle.js";
import { once } from "../kit/idempotency/handle.js";
import { newId } from "../kit/ids.js";
import { type OutboxTables, recordEvent } from "../kit/outbox.js";
import { violatedConstraint, withNext } from "../kit/stores/database/kysely.js";
import { type EffectivePolicy, recordedPolicy } from "./domain/policy/policy.js";

/** Row of `policy_versions`. */
export interface PolicyVersionsTable {
  tenant_id: string;
  /** Empty for the tenant's own. */
  agent_id: string;
  version: bigint;
  id: string;
  document: string;
  digest: string;
  author: string;
  note: string;
  rolled_back_to: bigint;
  create_time: Date;
}

/** The tables of policies. */
export interface PolicyTables {
  policy_versions: PolicyVersionsTable;
  /** Row: a policy that decided, as `GetPolicyResponse`. */
  effective_policies: { tenant_id: string; digest: string; policy: Uint8Array };
}

type Tables = PolicyTables & OutboxTables;
type ChangingMethod = typeof PolicyService.method.putPolicy | typeof PolicyService.method.rollbackPolicy;
type Row = Selectable<PolicyVersionsTable>;

/** Whose policy: the tenant's, or that of one of its agents. */
export interface PolicyOwner {
  readonly tenant: string;
  /** Empty for the tenant's own. */
  readonly agentId: string;
}

/** A new version. */
export interface NewVersion {
  readonly document: string;
  readonly digest: string;
  readonly note: string;
  readonly rolledBackTo: number;
}

/** What a store of policies is made of. */
export interface PolicyStoreOptions {
  readonly db: Kysely<Tables>;
  readonly clock: Clock;
}

/** Keeps the versions of policies, and those that decided. */
export type PolicyStore = ReturnType<typeof policyStore>;

/** Makes a store over the schema `engine`. */
export function policyStore({ db, clock }: PolicyStoreOptions) {
  return {
    /** The version in force; undefined without one. */
    head: (owner: PolicyOwner): Promise<Row | undefined> => head(db, owner),

    /** One version. Rejects with POLICY_VERSION_NOT_FOUND. */
    async version(owner: PolicyOwner, version: number): Promise<Row> {
      const row = await versionsOf(db, owner).where("version", "=", BigInt(version)).executeTakeFirst();
      if (!row) throw errors.policyVersionNotFound({ version: String(version) });
      return row;
    },

    /** A page of versions, newest first; `after` is the id of the one that it follows. */
    list(owner: PolicyOwner, { after, limit }: { after: string | undefined; limit: number }): Promise<Row[]> {
      let query = versionsOf(db, owner);
      if (after !== undefined) query = query.where("id", "<", after);
      return query.orderBy("id", "desc").limit(limit).execute();
    },

    /**
     * Adds what `next` makes of the version in force, once for the call's
     * idempotency key, in one transaction with its event; nothing when it makes
     * nothing new. `next` awaits nothing. Rejects with POLICY_CHANGED when
     * another change came between.
     */
    async change<M extends ChangingMethod>(
      call: HandledCall<M>,
      owner: PolicyOwner,
      next: (head: Row | undefined) => NewVersion | undefined,
    ): Promise<MessageShape<M["output"]>> {
      const cause = callOf(call.context);
      const author = principalOf(call.context).subject;
      try {
        return await once(db, { ...call, clock }, async (trx) => {
          const current = await head(trx, owner);
          const wanted = next(current);
          const row = wanted ? await add(trx, { owner, current, wanted, author, cause, clock }) : current;
          return { version: row && toVersion(row) } as MessageInitShape<M["output"]>;
        });
      } catch (error) {
        throw violatedConstraint(error) === "policy_versions_once" ? errors.policyChanged(error) : error;
      }
    },

    /** Keeps a policy that is about to decide. */
    async keep(tenant: string, { policy, digest, layers }: EffectivePolicy): Promise<void> {
      const whole = create(GetPolicyResponseSchema, { policy, digest, layers: [...layers] });
      await db
        .insertInto("effective_policies")
        .values({ tenant_id: tenant, digest, policy: toBinary(GetPolicyResponseSchema, whole) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    },

    /** A policy that decided before. Rejects with POLICY_VERSION_NOT_FOUND. */
    async recorded(tenant: string, digest: string): Promise<EffectivePolicy> {
      const row = await db
        .selectFrom("effective_policies")
        .select("policy")
        .where("tenant_id", "=", tenant)
        .where("digest", "=", digest)
        .executeTakeFirst();
      const whole = row && fromBinary(GetPolicyResponseSchema, row.policy);
      if (!whole?.policy) throw errors.policyVersionNotFound({ version: digest });
      return recordedPolicy(whole.policy, whole.layers);
    },
  };
}

/** A version in the contract's form, with its document. */
export function toVersion(row: Row): PolicyVersion {
  return create(PolicyVersionSchema, {
    id: row.id,
    agentId: row.agent_id,
    version: Number(row.version),
    digest: row.digest,
    author: row.author,
    note: row.note,
    rolledBackTo: Number(row.rolled_back_to),
    createTime: timestampFromDate(row.create_time),
    document: row.document,
    etag: policyEtag(row),
  });
}

/** What stands for the state of an owner's policy; before the first version, too. */
export function policyEtag(state: { readonly agent_id: string; readonly version: bigint }): string {
  return etagOf({ id: `policy/${state.agent_id}`, version: state.version });
}

function versionsOf(db: Kysely<Tables>, { tenant, agentId }: PolicyOwner) {
  return db
    .selectFrom("policy_versions")
    .selectAll()
    .where("tenant_id", "=", tenant)
    .where("agent_id", "=", agentId);
}

function head(db: Kysely<Tables>, owner: PolicyOwner): Promise<Row | undefined> {
  return versionsOf(db, owner).orderBy("version", "desc").limit(1).executeTakeFirst();
}

interface Addition {
  readonly owner: PolicyOwner;
  readonly current: Row | undefined;
  readonly wanted: NewVersion;
  readonly author: string;
  readonly cause: Pick<Call, "requestId" | "principal">;
  readonly clock: Clock;
}

async function add(
  trx: Transaction<Tables>,
  { owner, current, wanted, author, cause, clock }: Addition,
): Promise<Row> {
  const version = (current?.version ?? 0n) + 1n;
  const { tenant, agentId } = owner;
  const { document, digest, note, rolledBackTo } = wanted;
  const row = {
    tenant_id: tenant,
    agent_id: agentId,
    version,
    id: newId(),
    document,
    digest,
    author,
    note,
    rolled_back_to: BigInt(rolledBackTo),
    create_time: new Date(clock.now()),
  };
  await trx.insertInto("policy_versions").values(row).modifyEnd(withNext).execute();
  await recordEvent(trx, {
    call: cause,
    clock,
    tenant,
    aggregate: { type: "policy", id: agentId || tenant, version },
    payload: {
      schema: PolicyChangedSchema,
      message: create(PolicyChangedSchema, { agentId, version: Number(version), digest, rolledBackTo }),
    },
  });
  return row;
}
