import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSchema, transaction } from "../../../../services/kit/stores/database/kysely.js";
import { openPglite } from "../../../../services/kit/stores/database/pglite.js";
import type { Database } from "../../../../services/kit/stores/database/port.js";
import { databaseContract, failure, reasonIs } from "../database-contract.js";

databaseContract("PGlite as a pool", { open: openPglite, size: 1 });

describe("PGlite's one connection", () => {
  let database: Database;
  beforeAll(async () => {
    database = await openPglite();
  });
  afterAll(() => database.end());

  it("goes to those who ask in their order", async () => {
    const order: number[] = [];
    const ask = async (n: number) => {
      const client = await database.connect();
      order.push(n);
      client.release();
    };
    await Promise.all([0, 1, 2, 3, 4].map(ask));
    expect(order).toEqual([0, 1, 2, 3, 4]);
  });
});

describe("PGlite at its end", () => {
  it("answers a ping before its end and rejects it after, as it does those who wait and a query on itself", async () => {
    const database = await openPglite({ waitMs: 100 });
    await database.ping();
    const db = openSchema(database, "kit");
    const onItself = transaction(db, () => database.ping());
    await expect(onItself).rejects.toSatisfy(reasonIs("DEPENDENCY_UNAVAILABLE"));

    const holder = await database.connect();
    const waiting = failure(database.connect());
    const ended = database.end();
    expect(await waiting).toSatisfy(reasonIs("DEPENDENCY_UNAVAILABLE"));
    await holder.query("select 1", []);
    holder.release();
    await ended;
    await database.end();
    await expect(database.ping()).rejects.toSatisfy(reasonIs("DEPENDENCY_UNAVAILABLE"));
  });
});
