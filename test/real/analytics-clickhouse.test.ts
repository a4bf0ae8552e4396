import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClickhouse } from "../../services/analytics/store/clickhouse/store.js";
import { columnStoreContract } from "../analytics/store/contract.js";
import { bareDecision } from "../analytics/store/decisions.js";
import { allOf, bucket, by, planOf } from "../analytics/store/plans.js";
import { rejectedBy } from "../support/expect-reason.js";
import { type Chdb, chdbInstalled, startChdb } from "./servers/chdb.js";

describe.skipIf(!chdbInstalled)("the ClickHouse store on ClickHouse's engine", () => {
  let engine: Chdb;
  const address = () => ({ url: engine.url, username: "default", password: "", database: "default" });
  beforeAll(async () => {
    engine = await startChdb();
  });
  afterAll(() => engine?.stop());

  columnStoreContract({ make: () => openClickhouse({ address: address() }) });

  it("bounds the memory of a query", async () => {
    const small = await openClickhouse({ address: address(), memoryMb: 1 });
    const plan = planOf(allOf(undefined), [by("user"), bucket("minute", "UTC")]);
    expect(await rejectedBy(small.query(plan, { timeMs: 30_000, groups: 1_000_000 }))).toMatchObject({
      code: "FailedPrecondition",
      reason: "QUERY_TOO_EXPENSIVE",
    });
    await small.close();
  });

  it("keeps of a decision what arrived first", async () => {
    const store = await openClickhouse({ address: address() });
    const first = bareDecision({ tenantId: "first", decisionId: "d" });
    const late = { ...first, arriveTime: new Date(first.arriveTime.getTime() + 60_000) };
    for (const row of [first, late, first, late]) await store.append({ decisions: [row], labels: [] });
    for await (const rows of store.read(allOf("first"))) expect(rows).toEqual([first]);
    await store.close();
  });

  it("tells that the server is away", async () => {
    const store = openClickhouse({ address: { ...address(), url: "http://127.0.0.1:1" } });
    await expect(store).rejects.toMatchObject({ code: 14 });
  });
});
