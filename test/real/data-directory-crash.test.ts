import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSchema } from "../../services/kit/stores/database/kysely.js";
import { openPglite } from "../../services/kit/stores/database/pglite.js";
import { signIn } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../support/spawned-platform.js";

describe("a data directory", () => {
  let directory: string;
  let environment: Record<string, string>;
  let url: string;
  let running: SpawnedProcess;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "crash-"));
    const { gateway } = await freePorts(["gateway"]);
    environment = { GATEWAY_PORT: String(gateway) };
    url = `http://127.0.0.1:${gateway}`;
    running = await spawnPlatform({ directory, environment });
  }, 60_000);
  afterAll(async () => {
    await running?.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  });

  it("refuses a second start with a message that names it", async () => {
    const second = await spawnPlatform({ directory, environment: { GATEWAY_PORT: "0" } });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(directory);
  }, 30_000);

  it("keeps every acknowledged agent and its event when the process is killed in the middle of 500 creates", async () => {
    const rest = restClient(url, await signIn(url));
    const acknowledged: string[] = [];
    const creates = Array.from({ length: 500 }, async (_, number) => {
      const answer = await rest("POST", "/api/v1/agents", { name: `agent ${number}`, agent_type: "test" });
      if (answer.status === 200) acknowledged.push(answer.body.id);
      if (acknowledged.length === 100) await running.kill("SIGKILL");
    });
    await Promise.allSettled(creates);
    expect(acknowledged.length).toBeGreaterThanOrEqual(100);
    expect(acknowledged.length).toBeLessThan(500);

    running = await spawnPlatform({ directory, environment });
    expect(running.output()).toContain("] ready");
    const again = restClient(url, await signIn(url));
    const found = await Promise.all(acknowledged.map((id) => again("GET", `/api/v1/agents/${id}`)));
    expect(found.map(({ status }) => status)).toEqual(acknowledged.map(() => 200));

    await running.kill("SIGTERM");
    expect(await eventsOf(directory)).toEqual(expect.arrayContaining(acknowledged));
  }, 90_000);
});

/** Ids of the agents whose creation has an event. */
async function eventsOf(directory: string): Promise<string[]> {
  const database = await openPglite({ directory: join(directory, "database") });
  try {
    const rows = await openSchema(database, "agents").selectFrom("outbox").select("aggregate_id").execute();
    return rows.map((row) => row.aggregate_id);
  } finally {
    await database.end();
  }
}
