import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signIn } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../support/spawned-platform.js";
import { natsInstalled, startNats } from "./servers/nats.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";
import { until } from "./servers/process-tree.js";
import type { Server } from "./servers/server.js";

const rounds = 3;
const decisionsOfRound = 100;
const timeRange = { start_time: "2020-01-01T00:00:00Z", end_time: "2100-01-01T00:00:00Z" };

describe("analytics with stores of its own, killed amid decisions", () => {
  itCountsEachOnce(async () => ({}));
});

describe.skipIf(!natsInstalled || !postgresInstalled)(
  "analytics on NATS and PostgreSQL, killed amid decisions",
  () => {
    let servers: { readonly postgres: PostgresServer; readonly nats: Server };
    afterAll(async () => {
      await Promise.all([servers?.postgres.remove(), servers?.nats.stop()]);
    });
    itCountsEachOnce(async () => {
      const [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
      servers = { postgres, nats };
      return {
        DATABASE_URL: postgres.url(await postgres.createDatabase()),
        NATS_URL: `nats://127.0.0.1:${nats.port}`,
        ANALYTICS_STORE: "postgres",
      };
    });
  },
);

/** Kills the platform, whose stores `settings` names, again and again. */
function itCountsEachOnce(settings: () => Promise<Record<string, string>>): void {
  let directory: string;
  let environment: Record<string, string>;
  let url: string;
  let running: SpawnedProcess;
  let rest: ReturnType<typeof restClient>;

  const start = async () => {
    running = await spawnPlatform({ directory, environment });
    expect(running.output()).toContain("] ready");
    rest = restClient(url, await signIn(url));
  };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "analytics-crash-"));
    const { gateway } = await freePorts(["gateway"]);
    environment = { GATEWAY_PORT: String(gateway), ...(await settings()) };
    url = `http://127.0.0.1:${gateway}`;
    await start();
  });
  afterAll(async () => {
    await running?.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true });
  });

  /** Asks from several sides until as many have been answered; then kills the process. */
  const decideAndKill = async (acknowledged: string[]) => {
    const enough = acknowledged.length + decisionsOfRound;
    let killing: Promise<void> | undefined;
    const ask = async () => {
      while (!killing) {
        const answer = await rest("POST", "/api/v1/consciousness/process", { input: "How are you judged?" });
        if (answer.status === 200) acknowledged.push(answer.body.decision_id);
        if (acknowledged.length >= enough) killing ??= running.kill("SIGKILL");
      }
    };
    await Promise.allSettled(Array.from({ length: 6 }, ask));
    await killing;
  };

  it("counts each decision that the engine has once, and every one that was answered", async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < rounds; round++) {
      await decideAndKill(acknowledged);
      await start();
    }
    const decided = await decisions();
    expect(decided).toEqual(expect.arrayContaining(acknowledged));
    // What was on its way to a killed process comes again after 30 seconds.
    await until(async () => (await counted()) >= decided.length, { ms: 60_000 });
    expect((await exported()).sort()).toEqual(decided.sort());
  }, 240_000);

  /** Ids of all decisions that the engine has. */
  async function decisions(): Promise<string[]> {
    const ids: string[] = [];
    let token = "";
    do {
      const path = `/api/v1/consciousness/decisions?page_size=200&page_token=${token}`;
      const { body } = await rest("GET", path);
      ids.push(...body.decisions.map(({ id }: { id: string }) => id));
      token = body.next_page_token ?? "";
    } while (token !== "");
    return ids;
  }

  async function counted(): Promise<number> {
    const aggregations = [{ function: "AGGREGATE_FUNCTION_COUNT" }];
    const { body } = await rest("POST", "/api/v1/analytics/query", { time_range: timeRange, aggregations });
    return body.rows[0][0];
  }

  async function exported(): Promise<string[]> {
    const spec = { time_range: timeRange, format: "EXPORT_FORMAT_JSON_LINES" };
    const { body } = await rest("POST", "/api/v1/analytics/export", { spec });
    const lines = String(body).trim().split("\n");
    return lines.map((line) => JSON.parse(line).decision_id);
  }
}
