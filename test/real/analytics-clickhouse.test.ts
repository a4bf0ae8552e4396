import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openClickhouse } from "../../services/analytics/store/clickhouse/store.js";
import { columnStoreContract } from "../analytics/store/contract.js";
import { type Chdb, chdbInstalled, startChdb } from "./servers/chdb.js";

describe.skipIf(!chdbInstalled)("the ClickHouse store on ClickHouse's engine", () => {
  let engine: Chdb;
  const address = () => ({ url: engine.url, username: "default", password: "", database: "default" });
  beforeAll(async () => {
    engine = await startChdb();
  });
  afterAll(() => engine?.stop());

  columnStoreContract({ make: () => openClickhouse({ address: address() }) });

  it("tells that the server is away", async () => {
    const store = openClickhouse({ address: { ...address(), url: "http://127.0.0.1:1" } });
    await expect(store).rejects.toMatchObject({ code: 14 });
  });
});
