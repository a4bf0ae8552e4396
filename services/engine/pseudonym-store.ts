import { type Kysely, sql, type Transaction } from "kysely";
import type { Clock } from "../kit/clock.js";
import type { Principal } from "../kit/context.js";
import { seal, unseal } from "../kit/sealing/sealed.js";
import { transaction } from "../kit/stores/database/kysely.js";
import type { DataKey, DataKeys, DataKeysTable } from "./data-keys.js";
import type { PersonalValue } from "./domain/pseudonyms/pseudonymise.js";
import { type PlacedToken, type PseudonymType, tokenAt, tokenOf } from "./domain/pseudonyms/token.js";

/** Row of `pseudonyms`. */
export interface PseudonymsTable {
  tenant_id: string;
  subject: string;
  conversation: Uint8Array;
  type: string;
  number: number;
  value_hash: Uint8Array;
  sealed_value: Uint8Array;
  expire_time: Date;
}

/** The tables of pseudonyms. */
export interface PseudonymTables {
  data_keys: DataKeysTable;
  pseudonyms: PseudonymsTable;
}

/** What keeping pseudonyms takes. */
export interface PseudonymStoreOptions {
  readonly db: Kysely<PseudonymTables>;
  readonly keys: DataKeys;
  readonly clock: Clock;
  /** How long a conversation's pseudonyms are kept after it last had personal data, in milliseconds. */
  readonly keptMs: number;
}

/** A conversation of a principal. */
export interface ConversationOf {
  readonly principal: Pick<Principal, "tenant" | "subject">;
  /** As the caller names it. */
  readonly conversationId: string;
}

/** Values of one conversation that have tokens, of all types together; more are masked. */
export const mostOfConversation = 1_000;
const dayMs = 86_400_000;

/** Keeps the values that tokens stand for, each conversation's apart. */
export type PseudonymStore = ReturnType<typeof pseudonymStore>;

/** Makes a store over the schema `engine`. */
export function pseudonymStore({ db, keys, clock, keptMs }: PseudonymStoreOptions) {
  return {
    /**
     * The tokens of distinct values, in order; the same value in the same
     * conversation always has the same. Undefined where the conversation has as
     * many as it may.
     */
    async tokensOf(of: ConversationOf, values: readonly PersonalValue[]): Promise<(string | undefined)[]> {
      const key = await keys.of(of.principal.tenant);
      const place = placeOf(of, key);
      const wanted = values.map((one) => ({
        ...one,
        value_hash: key.digest("value", place.digest, one.type, one.value),
      }));
      return transaction(db, async (trx) => {
        const lock = `pseudonyms ${place.tenant_id} ${place.subject} ${place.digest}`;
        await sql`select pg_advisory_xact_lock(hashtextextended(${lock}, 0))`.execute(trx);
        const rows = await rowsOf(trx, place)
          .select(["type", "number", "value_hash", "expire_time"])
          .execute();
        const numbering = createNumbering(rows);
        const numbers = wanted.map((one) => numbering.numberOf(one.type, one.value_hash));
        const { expire_time, renews } = expiryOf(rows[0]?.expire_time, clock.now() + keptMs, keptMs);
        const added = wanted.flatMap((one, at) => {
          const number = numbers[at];
          if (number === undefined || numbering.isStored(one.type, number)) return [];
          const sealed_value = seal(Buffer.from(one.value), key.encryption, labelOf(place, one.type, number));
          const { tenant_id, subject, conversation } = place;
          const { type, value_hash } = one;
          return [{ tenant_id, subject, conversation, type, number, value_hash, sealed_value, expire_time }];
        });
        if (added.length > 0) await trx.insertInto("pseudonyms").values(added).execute();
        if (renews) await renew(trx, place, expire_time);
        return wanted.map(({ type }, at) => {
          const number = numbers[at];
          return number === undefined ? undefined : tokenOf(type, number);
        });
      });
    },

    /** Values by token, of those tokens that the conversation has. Rejects when one cannot be opened. */
    async valuesOf(of: ConversationOf, tokens: readonly string[]): Promise<Map<string, string>> {
      const wanted = tokens.map((token) => tokenAt(token, 0)).filter((token) => isStorable(token));
      if (wanted.length === 0) return new Map();
      const key = await keys.of(of.principal.tenant);
      const place = placeOf(of, key);
      const rows = await rowsOf(db, place)
        .select(["type", "number", "sealed_value"])
        .where("expire_time", ">", new Date(clock.now()))
        .where("number", "in", [...new Set(wanted.map(({ number }) => number))])
        .execute();
      const known = new Map(rows.map((row) => [`${row.type} ${row.number}`, row.sealed_value]));
      return new Map(
        wanted.flatMap(({ type, number }) => {
          const sealed = known.get(`${type} ${number}`);
          if (!sealed) return [];
          const value = unseal(sealed, key.encryption, labelOf(place, type, number)).toString("utf8");
          return [[tokenOf(type, number), value] as const];
        }),
      );
    },

    /** Forgets the conversations whose time is over. */
    async prune(): Promise<void> {
      await db.deleteFrom("pseudonyms").where("expire_time", "<=", new Date(clock.now())).execute();
    },
  };
}

/** Whether a token can be in the table, whose numbers are bounded. */
function isStorable(token: PlacedToken | undefined): token is PlacedToken {
  return token !== undefined && !token.escaped && token.number <= mostOfConversation;
}

interface Place {
  readonly tenant_id: string;
  readonly subject: string;
  readonly conversation: Buffer;
  /** `conversation` in hex. */
  readonly digest: string;
}

function placeOf({ principal: { tenant, subject }, conversationId }: ConversationOf, key: DataKey): Place {
  const conversation = key.digest("conversation", tenant, subject, conversationId);
  return { tenant_id: tenant, subject, conversation, digest: conversation.toString("hex") };
}

function rowsOf(db: Kysely<PseudonymTables> | Transaction<PseudonymTables>, place: Place) {
  return db
    .selectFrom("pseudonyms")
    .where("tenant_id", "=", place.tenant_id)
    .where("subject", "=", place.subject)
    .where("conversation", "=", place.conversation);
}

/** What a value is bound to. */
function labelOf({ tenant_id, subject, digest }: Place, type: PseudonymType, number: number): string {
  return JSON.stringify([tenant_id, subject, digest, tokenOf(type, number)]);
}

/** Numbers of one conversation: by value where there is one, else the next of its type. */
function createNumbering(rows: readonly Pick<PseudonymsTable, "type" | "number" | "value_hash">[]) {
  const nameOf = (type: string, hash: Uint8Array) => `${type} ${Buffer.from(hash).toString("hex")}`;
  const known = new Map(rows.map((row) => [nameOf(row.type, row.value_hash), row.number]));
  const stored = new Set(rows.map(({ type, number }) => `${type} ${number}`));
  const last = new Map<string, number>();
  for (const { type, number } of rows) last.set(type, Math.max(number, last.get(type) ?? 0));
  return {
    numberOf(type: string, hash: Uint8Array): number | undefined {
      const name = nameOf(type, hash);
      const number = known.get(name);
      if (number !== undefined || known.size >= mostOfConversation) return number;
      const next = (last.get(type) ?? 0) + 1;
      last.set(type, next);
      known.set(name, next);
      return next;
    },
    isStored: (type: string, number: number) => stored.has(`${type} ${number}`),
  };
}

/** When a conversation's rows expire. They are not renewed at every request, as that writes all of them. */
function expiryOf(stored: Date | undefined, wantedMs: number, keptMs: number) {
  const due = !stored || wantedMs - stored.getTime() >= Math.min(dayMs, keptMs / 10);
  return { expire_time: due ? new Date(wantedMs) : stored, renews: due && stored !== undefined };
}

async function renew(trx: Transaction<PseudonymTables>, place: Place, expire_time: Date): Promise<void> {
  await trx
    .updateTable("pseudonyms")
    .set({ expire_time })
    .where("tenant_id", "=", place.tenant_id)
    .where("subject", "=", place.subject)
    .where("conversation", "=", place.conversation)
    .execute();
}
