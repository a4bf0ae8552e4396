import type { ColumnType, Kysely, Selectable } from "kysely";
import type { Bus } from "../stores/bus/port.js";
import { type DeadLetter, type DeadLetterQuery, type DeadLetters, replayed } from "./dead-letters.js";

interface DeadLettersTable {
  consumer: string;
  event_id: string;
  message_id: string;
  subject: string;
  headers: ColumnType<Record<string, string>, string, string>;
  body: Uint8Array;
  error: string;
  attempts: number;
  dead_at: Date;
}

/** Dead letters in the consumer's schema, for a bus that keeps nothing itself. */
export function tableDeadLetters<Tables>(schema: Kysely<Tables>, bus: Bus): DeadLetters {
  const db = schema as unknown as Kysely<{ dead_letters: DeadLettersTable }>;
  const list = async ({ consumer, limit, id }: DeadLetterQuery) => {
    let query = db.selectFrom("dead_letters").selectAll().where("consumer", "=", consumer);
    if (id !== undefined) query = query.where("event_id", "=", id);
    return (await query.orderBy("dead_at").limit(limit).execute()).map(toLetter);
  };
  return {
    async add(letter) {
      await db
        .insertInto("dead_letters")
        .values(toRow(letter))
        .onConflict((conflict) =>
          conflict.columns(["consumer", "event_id"]).doUpdateSet((row) => ({
            message_id: row.ref("excluded.message_id"),
            error: row.ref("excluded.error"),
            attempts: row.ref("excluded.attempts"),
            dead_at: row.ref("excluded.dead_at"),
          })),
        )
        .execute();
    },
    list,
    async replay(query) {
      const letters = await list(query);
      for (const letter of letters) {
        const published = await bus.publish([replayed(letter)]);
        if (!published.complete) throw published.error;
        // One that has failed again meanwhile is a new letter.
        await db
          .deleteFrom("dead_letters")
          .where("consumer", "=", letter.consumer)
          .where("event_id", "=", letter.id)
          .where("message_id", "=", letter.message.id)
          .execute();
      }
      return letters.length;
    },
  };
}

function toRow({ consumer, id, message, error, attempts, time }: DeadLetter) {
  return {
    consumer,
    event_id: id,
    subject: message.subject,
    message_id: message.id,
    headers: JSON.stringify(message.headers),
    body: message.body,
    error,
    attempts,
    dead_at: new Date(time),
  };
}

function toLetter(row: Selectable<DeadLettersTable>): DeadLetter {
  return {
    consumer: row.consumer,
    id: row.event_id,
    message: { id: row.message_id, subject: row.subject, headers: row.headers, body: row.body },
    error: row.error,
    attempts: row.attempts,
    time: row.dead_at.getTime(),
  };
}
