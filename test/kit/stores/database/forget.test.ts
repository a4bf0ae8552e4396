import { afterAll, beforeAll, expect, it } from "vitest";
import { newId } from "../../../../services/kit/ids.js";
import { forgetting } from "../../../../services/kit/stores/database/forget.js";
import { runIfDue } from "../../../../services/kit/stores/database/job.js";
import { migrate } from "../../../../services/kit/stores/database/migrate.js";
import type { Database } from "../../../../services/kit/stores/database/port.js";
import { emptyDatabase } from "../../../support/database.js";

const hourMs = 3_600_000;

let database: Database;
beforeAll(async () => {
  database = await emptyDatabase();
  await migrate(database, { schema: "things", migrations: [] });
});
afterAll(() => database.end());

async function query<R>(sql: string): Promise<readonly R[]> {
  const client = await database.connect();
  try {
    return (await client.query<R>(sql, [])).rows;
  } finally {
    client.release();
  }
}

it("forgets keys after a day and handled events after twice the time that the bus keeps them", async () => {
  const now = Date.now();
  const at = (hours: number) => `'${new Date(now - hours * hourMs).toISOString()}'`;
  for (const hours of [23, 25]) {
    await query(
      `insert into things.idempotency_keys values ('t', 'p', 'm', '${hours}', '', null, ${at(hours)})`,
    );
  }
  for (const hours of [19, 21]) {
    await query(`insert into things.inbox values ('reader ${hours}', '${newId()}', ${at(hours)})`);
  }
  const clock = { now: () => now, monotonic: () => 0 };
  await runIfDue(database, forgetting({ schema: "things", eventMs: 10 * hourMs, clock }), clock);
  expect(await query("select key from things.idempotency_keys")).toEqual([{ key: "23" }]);
  expect(await query("select consumer from things.inbox")).toEqual([{ consumer: "reader 19" }]);
});
