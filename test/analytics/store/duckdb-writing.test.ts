import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { expect, it } from "vitest";
import { openPartitions } from "../../../services/analytics/store/duckdb/partitions.js";
import { writing } from "../../../services/analytics/store/duckdb/writing.js";
import { connectionQueue } from "../../../services/kit/stores/database/connection-queue.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { bareDecision } from "./decisions.js";

/** A writer whose first commits fail for want of memory, and how often memory was freed for it. */
async function writerShortOfMemory(times: number) {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const partitions = await openPartitions(connection);
  let failures = times;
  let freed = 0;
  const run = connection.run.bind(connection);
  connection.run = async (...args: Parameters<DuckDBConnection["run"]>) => {
    if (args[0] === "commit" && failures-- > 0) throw new Error("Out of Memory Error: no block left");
    return run(...args);
  };
  const writer = writing({
    connection,
    partitions,
    turns: connectionQueue({ limit: 1, waitMs: 1000 }),
    async freeMemory() {
      freed++;
    },
  });
  const count = async () => {
    const { decisions } = partitions.source({ from: new Date(0), until: new Date("2100-01-01") });
    return Number((await connection.runAndReadAll(`select count(*) from ${decisions}`)).value(0, 0));
  };
  return { writer, count, freed: () => freed };
}

const batch = { decisions: [bareDecision({ tenantId: "t", decisionId: "d" })], labels: [] };

it("an append that finds no memory has queries ended, and keeps its rows once", async () => {
  const { writer, count, freed } = await writerShortOfMemory(1);
  await writer.append(batch);
  expect([freed(), await count()]).toEqual([1, 1]);
});

it("an append that finds none the second time either fails, keeps nothing and may be tried again", async () => {
  const { writer, count } = await writerShortOfMemory(2);
  expect(await rejectedBy(writer.append(batch))).toMatchObject({ code: "Internal", reason: "INTERNAL" });
  expect(await count()).toBe(0);
  await writer.append(batch);
  expect(await count()).toBe(1);
});
