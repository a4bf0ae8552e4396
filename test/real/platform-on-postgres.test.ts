import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { signIn } from "../support/platform.js";
import { restClient } from "../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../support/spawned-platform.js";
import { describeJudgedPlatform, type Platform } from "../system/judged-platform.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";
import { until } from "./servers/process-tree.js";

describe.skipIf(!postgresInstalled)("on a real server", () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  const start = async (
    more: { database?: string; environment?: Record<string, string> } = {},
  ): Promise<Platform & { readonly process: SpawnedProcess; readonly database: string }> => {
    const directory = await mkdtemp(join(tmpdir(), "on-postgres-"));
    const secret = join(directory, "database-url");
    const database = more.database ?? (await server.createDatabase());
    await writeFile(secret, `${server.url(database)}\n`);
    const { gateway } = await freePorts(["gateway"]);
    const environment = { DATABASE_URL_FILE: secret, GATEWAY_PORT: String(gateway), ...more.environment };
    const process = await spawnPlatform({ directory, environment });
    if (!process.output().includes("] ready")) throw new Error(process.output());
    const url = `http://127.0.0.1:${gateway}`;
    return {
      url,
      process,
      database,
      signIn: () => signIn(url),
      async stop() {
        await process.kill("SIGTERM");
        await rm(directory, { recursive: true, force: true });
      },
    };
  };

  describeJudgedPlatform("the platform on PostgreSQL", start);

  it("starts twice at the same time on an empty database, and what one writes the other reads", async () => {
    const database = await server.createDatabase();
    const environment = {
      AUTH_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
      ENGINE_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64"),
      ANALYTICS_SECRET: Buffer.alloc(32, 9).toString("base64"),
    };
    const replicas = await Promise.all([start({ database, environment }), start({ database, environment })]);
    try {
      const [first, second] = await Promise.all(
        replicas.map(async ({ url, signIn }) => restClient(url, await signIn())),
      );
      const made = await first?.("POST", "/api/v1/agents", { name: "shared", agent_type: "test" });
      expect(made?.status).toBe(200);
      expect((await second?.("GET", `/api/v1/agents/${made?.body.id}`))?.body.name).toBe("shared");
    } finally {
      await Promise.all(replicas.map((replica) => replica.stop()));
    }
  });

  describe("the platform while PostgreSQL is away", () => {
    let platform: Awaited<ReturnType<typeof start>>;
    let rest: ReturnType<typeof restClient>;
    beforeAll(async () => {
      platform = await start();
      rest = restClient(platform.url, await platform.signIn());
    });
    afterAll(() => platform?.stop());

    beforeEach(async () => {
      if (!server.process().running()) await server.start();
    });

    let made = 0;
    const createAgent = () => rest("POST", "/api/v1/agents", { name: `agent ${made++}`, agent_type: "test" });
    const succeeds = async () => (await createAgent()).status === 200;
    const recovery = async () => {
      const from = performance.now();
      await until(succeeds, { ms: 10_000 });
      return performance.now() - from;
    };
    const expectRefusals = async () => {
      await until(async () => (await createAgent()).body.reason === "DEPENDENCY_UNAVAILABLE");
      const from = performance.now();
      const answers = await Promise.all(Array.from({ length: 50 }, createAgent));
      for (const { status, body, headers } of answers) {
        expect(body).toMatchObject({
          reason: "DEPENDENCY_UNAVAILABLE",
          // Without it auth cannot tell what is revoked either, so that the gateway refuses by itself.
          detail: expect.stringMatching(/^(?:The database|auth) does not answer\.$/),
        });
        expect(status).toBe(503);
        expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      }
      expect(performance.now() - from).toBeLessThan(3000);
    };

    it("answers 503 with retry-after when it was killed, and is back within 5 s", async () => {
      expect((await createAgent()).status).toBe(200);
      await server.process().kill();
      await expectRefusals();
      await server.start();
      expect(await recovery()).toBeLessThan(5000);
    });

    it("answers 503 with retry-after when it hangs, with flat memory, and is back within 5 s", async () => {
      expect((await createAgent()).status).toBe(200);
      await server.process().pause();
      await expectRefusals();
      const before = await residentMiB(platform.process.pid);
      for (let round = 0; round < 20; round++) await expectRefusals();
      expect((await residentMiB(platform.process.pid)) - before).toBeLessThan(64);
      await server.process().resume();
      expect(await recovery()).toBeLessThan(5000);
    });

    it("keeps every agent whose creation was acknowledged, with its event, when it is killed amid writes", async () => {
      const acknowledged: string[] = [];
      let stop = false;
      const writers = Array.from({ length: 8 }, async () => {
        while (!stop) {
          const { status, body } = await createAgent();
          if (status === 200) acknowledged.push(body.id);
        }
      });
      try {
        await until(() => acknowledged.length >= 60);
        await server.process().kill();
        await server.start();
        const before = acknowledged.length;
        await until(() => acknowledged.length >= before + 60);
      } finally {
        stop = true;
        await Promise.all(writers);
      }
      const found = await Promise.all(acknowledged.map((id) => rest("GET", `/api/v1/agents/${id}`)));
      expect(found.map(({ status }) => status)).toEqual(acknowledged.map(() => 200));
      const sql = "select aggregate_id as id from agents.outbox where version = 1";
      const events = (await server.run<{ id: string }>(sql, platform.database)).map(({ id }) => id);
      expect(events).toEqual(expect.arrayContaining(acknowledged));
      expect(new Set(events).size).toBe(events.length);
    });
  });
});

/** Resident memory of a process; 0 where the system does not tell, so that the test does not either. */
async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}
