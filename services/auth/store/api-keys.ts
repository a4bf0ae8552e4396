import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { Kysely, Selectable, Transaction } from "kysely";
import {
  type ApiKey,
  ApiKeySchema,
  type ApiKeysService,
  type CreateApiKeyResponse,
} from "#gen/ts/consciousness/auth/v1/api_keys_service_pb.js";
import { ApiKeyCreatedSchema, ApiKeyRevokedSchema } from "#gen/ts/consciousness/auth/v1/auth_events_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Clock } from "../../kit/clock.js";
import { callOf, type Principal, principalOf } from "../../kit/context.js";
import { errors } from "../../kit/errors.js";
import { type HandledCall, once } from "../../kit/idempotency/handle.js";
import { newId } from "../../kit/ids.js";
import { type OutboxTables, recordEvent } from "../../kit/outbox.js";
import type { Page } from "../../kit/page-token.js";
import { permissionNames } from "../domain/grants.js";
import type { NewApiKey } from "../domain/machine-secrets.js";
import type { AuthTables } from "../store.js";
import { revocations } from "./revocations.js";

type Tables = AuthTables & OutboxTables;
type Methods = typeof ApiKeysService.method;

/** A key that is about to be made. */
export interface ApiKeyDraft {
  readonly name: string;
  readonly scopes: readonly Permission[];
  readonly expireTime: Date;
  readonly made: NewApiKey;
  /** How many an account may have. */
  readonly limit: number;
}

/** Which page of whose keys. */
export interface ApiKeyPage extends Page {
  readonly user: string;
}

/** API keys. */
export interface ApiKeyStore {
  /**
   * Makes a key of the caller's account, once for the call's idempotency key, and
   * drops those that have expired. Rejects with API_KEY_LIMIT_REACHED.
   */
  create(call: HandledCall<Methods["createApiKey"]>, draft: ApiKeyDraft): Promise<CreateApiKeyResponse>;
  /** A page of keys of an account, the principal's own or one of the tenant in which it acts; newest first. */
  list(principal: Principal, page: ApiKeyPage): Promise<ApiKey[]>;
  /** Ends a key that the caller may end. Rejects with API_KEY_NOT_FOUND. */
  revoke(call: HandledCall<Methods["revokeApiKey"]>): Promise<void>;
}

export function apiKeyStore({ db, clock }: { db: Kysely<Tables>; clock: Clock }): ApiKeyStore {
  const now = () => new Date(clock.now());

  const insert = async (
    trx: Transaction<Tables>,
    { context }: HandledCall<Methods["createApiKey"]>,
    draft: ApiKeyDraft,
  ): Promise<ApiKey> => {
    const principal = principalOf(context);
    const { home: tenant_id, subject: user_id } = principal;
    await lockAccount(trx, principal);
    const expired = trx.deleteFrom("api_keys").where("user_id", "=", user_id);
    await expired.where("expire_time", "<=", now()).execute();
    const { count } = await trx
      .selectFrom("api_keys")
      .select((row) => row.fn.countAll<bigint>().as("count"))
      .where("user_id", "=", user_id)
      .executeTakeFirstOrThrow();
    if (Number(count) >= draft.limit) throw errors.apiKeyLimitReached({ limit: draft.limit });
    const row = {
      id: newId(),
      tenant_id,
      user_id,
      name: draft.name,
      prefix: draft.made.prefix,
      hash: draft.made.hash,
      scopes: draft.scopes.map(permissionNames.nameOf),
      version: 1n,
      create_time: now(),
      expire_time: draft.expireTime,
      last_use_time: null,
    };
    await trx.insertInto("api_keys").values(row).execute();
    const apiKey = toApiKey(row);
    const { id: apiKeyId, userId, prefix, scopes, expireTime } = apiKey;
    const message = create(ApiKeyCreatedSchema, {
      apiKeyId,
      userId,
      prefix,
      scopes,
      ...(expireTime && { expireTime }),
    });
    await recordEvent(trx, {
      call: callOf(context),
      clock,
      tenant: tenant_id,
      aggregate: { type: "api_key", id: row.id, version: 1n },
      payload: { schema: ApiKeyCreatedSchema, message },
    });
    return apiKey;
  };

  return {
    create: (call, draft) =>
      once(db, { ...call, clock }, async (trx) => ({
        apiKey: await insert(trx, call, draft),
        key: draft.made.key,
      })),

    async list({ tenant, home, subject }, { user, after, limit }) {
      const where = user === subject ? home : tenant;
      let query = db.selectFrom("api_keys").selectAll().where("tenant_id", "=", where);
      query = query.where("user_id", "=", user);
      if (after !== undefined) query = query.where("id", "<", after);
      return (await query.orderBy("id", "desc").limit(limit).execute()).map(toApiKey);
    },

    async revoke(call) {
      const { context, request } = call;
      await once(db, { ...call, clock }, async (trx) => {
        const found = await trx
          .deleteFrom("api_keys")
          .where("id", "=", request.id)
          .where((row) => row.or(revocable(principalOf(context)).map((keys) => row.and(keys))))
          .returning(["id", "tenant_id", "user_id", "version"])
          .executeTakeFirst();
        if (!found) throw errors.apiKeyNotFound({ id: request.id });
        // As stored, which is how tokens name it: the request may write it in capitals.
        const { id } = found;
        await revocations(trx, clock).apiKey(found.tenant_id, id);
        const message = create(ApiKeyRevokedSchema, { apiKeyId: id, userId: found.user_id });
        await recordEvent(trx, {
          call: callOf(context),
          clock,
          tenant: found.tenant_id,
          aggregate: { type: "api_key", id, version: found.version + 1n },
          payload: { schema: ApiKeyRevokedSchema, message },
        });
        return {};
      });
    },
  };
}

/** Makes calls of one account wait for each other, so that together they keep the limit. */
async function lockAccount(trx: Transaction<Tables>, { home, subject }: Principal): Promise<void> {
  const account = trx.selectFrom("users").select("id").where("tenant_id", "=", home);
  const locked = await account.where("id", "=", subject).forUpdate().executeTakeFirst();
  if (!locked) throw errors.tokenInvalid(new Error("the token's account does not exist"));
}

/** One's own, and, for who administers users, those of the tenant. */
function revocable({ tenant, home, subject, permissions }: Principal) {
  const own = { tenant_id: home, user_id: subject };
  return permissions.has(Permission.USER_ADMIN) ? [own, { tenant_id: tenant }] : [own];
}

function toApiKey(row: Selectable<AuthTables["api_keys"]>): ApiKey {
  return create(ApiKeySchema, {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    userId: row.user_id,
    scopes: permissionNames.valuesOf(row.scopes),
    createTime: timestampFromDate(row.create_time),
    expireTime: timestampFromDate(row.expire_time),
    ...(row.last_use_time && { lastUseTime: timestampFromDate(row.last_use_time) }),
  });
}
