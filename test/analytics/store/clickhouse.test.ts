import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openClickhouse } from "../../../services/analytics/store/clickhouse/store.js";
import type { ColumnStore } from "../../../services/analytics/store/port.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { bareDecision } from "./decisions.js";
import { allOf, planOf } from "./plans.js";

interface Asked {
  readonly url: URL;
  readonly body: string;
}

const bounds = { timeMs: 1500, groups: 7 };
const plan = planOf({ ...allOf("o'neill"), users: ["it's", "b\\c"] }, [], [{ name: "n", kind: "count" }]);

// What real SQL answers, test/real asks of ClickHouse's engine.
describe("the ClickHouse store's requests", () => {
  let server: Server;
  let store: ColumnStore;
  let asked: Asked[];
  let respond: (response: ServerResponse) => void;
  const answer = (status: number, body: string) => (response: ServerResponse) =>
    response.writeHead(status).end(body);

  beforeAll(async () => {
    respond = answer(200, "");
    server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      asked.push({ url: new URL(request.url ?? "", "http://c"), body: Buffer.concat(chunks).toString() });
      respond(response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    asked = [];
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    store = await openClickhouse({
      address: { url, username: "u", password: "p", database: "decided" },
      memoryMb: 300,
    });
  });
  beforeEach(() => {
    asked = [];
    respond = answer(200, "[3,1]\n");
  });
  afterAll(async () => {
    await store.close();
    server.closeAllConnections();
    server.close();
  });
  const query = (signal?: AbortSignal) => store.query(plan, bounds, signal);

  it("carry the bounds of a query, and ask for each decision once", async () => {
    expect(await query()).toEqual([[3]]);
    expect(Object.fromEntries(asked[0]?.url.searchParams ?? [])).toMatchObject({
      database: "decided",
      readonly: "2",
      final: "1",
      max_execution_time: "1.5",
      max_memory_usage: "300000000",
      max_rows_to_group_by: "7",
      group_by_overflow_mode: "throw",
      cancel_http_readonly_queries_on_client_close: "1",
    });
  });

  it("hold what callers gave as parameters, and none of it in the text", async () => {
    await query();
    const { url, body } = asked[0] as Asked;
    expect([...url.searchParams.values()]).toEqual(
      expect.arrayContaining(["o\\'neill", "['it\\'s','b\\\\c']"]),
    );
    expect(body).not.toMatch(/neill|it's|b\\c/);
  });

  it("insert a batch at once, and wait until it is kept", async () => {
    respond = answer(200, "");
    const decisions = ["a", "b"].map((decisionId) => bareDecision({ tenantId: "t", decisionId }));
    await store.append({ decisions, labels: [] });
    expect(asked).toHaveLength(1);
    expect(asked[0]?.url.searchParams.get("async_insert")).toBe("0");
    expect(asked[0]?.body.trim().split("\n")).toHaveLength(2);
  });

  it.each([
    ["MEMORY_LIMIT_EXCEEDED", 241, "300 MB of memory"],
    ["TIMEOUT_EXCEEDED", 159, "1.5 s"],
    ["TOO_MANY_ROWS", 158, "7 groups"],
  ])("that end with %s took too much", async (type, code, bound) => {
    respond = answer(500, `Code: ${code}. DB::Exception: Too much: of secrets. (${type}) (version 26.9)`);
    const refusal = await rejectedBy(query());
    expect(refusal).toMatchObject({ code: "FailedPrecondition", reason: "QUERY_TOO_EXPENSIVE" });
    await expect(query()).rejects.toThrow(bound);
    await expect(query()).rejects.not.toThrow("secrets");
  });

  it("that end with any other error are faults of ours, and nothing of it is told", async () => {
    respond = answer(404, "Code: 60. DB::Exception: Table secrets does not exist. (UNKNOWN_TABLE)");
    expect(await rejectedBy(query())).toMatchObject({ code: "Internal", reason: "INTERNAL" });
    await expect(query()).rejects.not.toThrow("secrets");
  });

  it("that nobody answers tell that ClickHouse is away", async () => {
    respond = (response) => response.destroy();
    expect(await rejectedBy(query())).toMatchObject({
      code: "Unavailable",
      reason: "DEPENDENCY_UNAVAILABLE",
    });
  });

  it("end when the caller leaves", async () => {
    const leaving = new AbortController();
    const closed = new Promise<void>((resolve) => {
      respond = (response) => {
        response.once("close", resolve);
        leaving.abort(new Error("left"));
      };
    });
    await expect(query(leaving.signal)).rejects.toThrow("left");
    await closed;
  });
});
