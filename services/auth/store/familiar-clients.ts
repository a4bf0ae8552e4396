import type { Kysely, Transaction } from "kysely";
import type { Clock } from "../../kit/clock.js";
import type { OutboxTables } from "../../kit/outbox.js";
import type { ClientMarks, Familiarity } from "../domain/second-factor.js";
import type { AuthTables } from "../store.js";

type Tables = AuthTables & OutboxTables;

/** How long a client is known after its last sign-in, in milliseconds: 90 days. */
const memoryMs = 90 * 86_400_000;
/** How many networks and how many programs an account remembers. */
const remembered = 20;

/** What accounts with a second factor have signed in from. */
export interface FamiliarClients {
  /** Which of a client's marks the account knows. */
  seen(user: string, marks: ClientMarks): Promise<Familiarity>;
  /** Remembers a client in the transaction of its sign-in. */
  remember(trx: Transaction<Tables>, user: string, marks: ClientMarks): Promise<void>;
}

export function familiarClients({ db, clock }: { db: Kysely<Tables>; clock: Clock }): FamiliarClients {
  return {
    async seen(user, { network, agent }) {
      const hashes = [network, agent].filter((hash) => hash !== undefined);
      if (hashes.length === 0) return { network: false, agent: false };
      const query = db.selectFrom("familiar_clients").select("kind").where("user_id", "=", user);
      const rows = await query
        .where("hash", "in", hashes)
        .where("last_time", ">", new Date(clock.now() - memoryMs))
        .execute();
      const kinds = new Set(rows.map(({ kind }) => kind));
      return { network: kinds.has("NETWORK"), agent: kinds.has("AGENT") };
    },

    async remember(trx, user, { network, agent }) {
      const last_time = new Date(clock.now());
      if (network) await put(trx, { user_id: user, kind: "NETWORK", hash: network, last_time });
      if (agent) await put(trx, { user_id: user, kind: "AGENT", hash: agent, last_time });
    },
  };
}

async function put(trx: Transaction<Tables>, row: AuthTables["familiar_clients"]): Promise<void> {
  const { user_id, kind, last_time } = row;
  await trx
    .insertInto("familiar_clients")
    .values(row)
    .onConflict((conflict) => conflict.columns(["user_id", "kind", "hash"]).doUpdateSet({ last_time }))
    .execute();
  const old = trx
    .selectFrom("familiar_clients")
    .select("hash")
    .where("user_id", "=", user_id)
    .where("kind", "=", kind)
    .orderBy("last_time", "desc")
    .orderBy("hash")
    .offset(remembered);
  const mine = trx.deleteFrom("familiar_clients").where("user_id", "=", user_id).where("kind", "=", kind);
  await mine.where("hash", "in", old).execute();
}
