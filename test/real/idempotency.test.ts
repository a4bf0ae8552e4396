import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { WorkloadName } from "../../services/kit/contract/workloads.js";
import { newId } from "../../services/kit/ids.js";
import { freshDataDirectory } from "../support/data-directory.js";
import { signIn } from "../support/platform.js";
import { startProvider } from "../support/provider.js";
import { type RestAnswer, restClient } from "../support/rest.js";
import { freePorts, type SpawnedProcess, spawnPlatform } from "../support/spawned-platform.js";
import { type PostgresServer, postgresInstalled, startPostgres } from "./servers/postgres.js";
import { until } from "./servers/process-tree.js";

const agents = "/api/v1/agents";
const processPath = "/api/v1/consciousness/process";
const keyed = (key: string) => ({ "idempotency-key": key });

/**
 * Two replicas of the platform on one PostgreSQL, each in two processes: what
 * the gateway forwards crosses a wire on its way to the service.
 */
describe.skipIf(!postgresInstalled)("an Idempotency-Key with two replicas on PostgreSQL", () => {
  let server: PostgresServer;
  let database: string;
  let provider: Awaited<ReturnType<typeof startProvider>>;
  const replicas: Replica[] = [];
  const directories: string[] = [];

  interface Replica {
    readonly rest: ReturnType<typeof restClient>;
    readonly front: SpawnedProcess;
    readonly back: SpawnedProcess;
  }

  const start = async (): Promise<Replica> => {
    const ports = await freePorts(["gateway", "auth", "engine", "agents"]);
    const places = Object.entries(ports).flatMap(([name, port]) => [
      [`${name.toUpperCase()}_PORT`, String(port)],
      [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`],
    ]);
    const providers = [{ id: "slow", base_url: provider.url, model: "any", timeout_ms: 20_000 }];
    const environment = {
      ...(Object.fromEntries(places) as Record<string, string>),
      DATABASE_URL: server.url(database),
      PEER_SECRET: "a secret of the workloads in this test",
      AUTH_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString("base64"),
      ENGINE_KEY_ENCRYPTION_KEY: Buffer.alloc(32, 8).toString("base64"),
      ANALYTICS_SECRET: Buffer.alloc(32, 9).toString("base64"),
      ENGINE_PROVIDERS: JSON.stringify(providers),
    };
    const spawn = async (names: readonly WorkloadName[]) => {
      const directory = await freshDataDirectory();
      directories.push(directory);
      const spawned = await spawnPlatform({ names, directory, environment });
      if (!spawned.output().includes("] ready")) throw new Error(spawned.output());
      return spawned;
    };
    const back = await spawn(["engine", "agents"]);
    const front = await spawn(["gateway", "auth"]);
    const url = `http://127.0.0.1:${ports.gateway}`;
    return { rest: restClient(url, await signIn(url)), front, back };
  };

  beforeAll(async () => {
    [server, provider] = await Promise.all([startPostgres(), startProvider()]);
    database = await server.createDatabase();
    replicas.push(await start(), await start());
  });
  afterAll(async () => {
    await Promise.all(replicas.flatMap(({ front, back }) => [front.kill("SIGKILL"), back.kill("SIGKILL")]));
    provider?.close();
    await server?.remove();
    await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })));
  });

  const replica = (at: number) => replicas[at % 2]!.rest;
  /** Repeats a call as a client does that got no answer in time. */
  const untilAnswered = async (call: () => Promise<RestAnswer>): Promise<RestAnswer> => {
    let answer: RestAnswer | undefined;
    await until(
      async () => {
        answer = await call();
        return answer.status < 500;
      },
      { ms: 30_000 },
    );
    if (!answer) throw new Error("no answer");
    return answer;
  };
  const counted = async (sql: string) =>
    Number((await server.run<{ count: string }>(sql, database))[0]?.count);
  const replayed = ({ headers }: RestAnswer) => headers.get("idempotent-replayed") === "true";

  it("makes one agent of 20 creations at once at both, repeated until answered, and all learn of the same", async () => {
    const [key, name] = [newId(), newId()];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        untilAnswered(() => replica(at)("POST", agents, { name, agent_type: "test" }, keyed(key))),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(answers.filter((answer) => !replayed(answer)).length).toBeLessThanOrEqual(1);
    expect(await counted(`select count(*) from agents.agents where name = '${name}'`)).toBe(1);
    const events = `select count(*) from agents.outbox where aggregate_id = '${answers[0]?.body.id}'`;
    expect(await counted(events)).toBe(1);
  });

  it("refuses at one what came with another body at the other", async () => {
    const key = newId();
    expect((await replica(0)("POST", agents, { name: newId(), agent_type: "test" }, keyed(key))).status).toBe(
      200,
    );
    const { status, body } = await replica(1)(
      "POST",
      agents,
      { name: newId(), agent_type: "test" },
      keyed(key),
    );
    expect([status, body.reason]).toEqual([409, "IDEMPOTENCY_KEY_REUSED"]);
  });

  const slowAgent = async () => {
    const configuration = { provider_id: "slow" };
    const draft = { name: newId(), agent_type: "test", status: "AGENT_STATUS_ACTIVE", configuration };
    const { body } = await replica(0)("POST", agents, draft);
    return (at: number, key: string, input = "Any news today?") =>
      replica(at)("POST", processPath, { input, agent_id: body.id }, keyed(key));
  };
  const decisions = (key: string) =>
    counted(`select count(*) from engine.idempotency_keys k join engine.decisions d
             on encode(substring(k.response from 3), 'escape') = d.id::text where k.key = '${key}'`);

  it("decides once while the other replica is asked too, and holds no transaction meanwhile", async () => {
    const ask = await slowAgent();
    const key = newId();
    const first = ask(0, key);
    const answerProvider = await provider.asked();
    const meanwhile = await ask(1, key);
    expect([meanwhile.status, meanwhile.body.reason]).toEqual([409, "IDEMPOTENCY_KEY_IN_USE"]);
    expect(meanwhile.headers.get("retry-after")).toBe("1");
    const open = "select count(*) from pg_stat_activity where state like 'idle in transaction%'";
    expect(await counted(open)).toBe(0);
    answerProvider("Nothing happened today.");
    const { status, body } = await first;
    expect(status).toBe(200);
    const again = await ask(1, key);
    expect([again.status, again.body.decision_id, replayed(again)]).toEqual([200, body.decision_id, true]);
    expect(await decisions(key)).toBe(1);
  });

  it("is free again when its replica was killed amid the call, and has its effect once", async () => {
    const ask = await slowAgent();
    const key = newId();
    const first = ask(0, key);
    await provider.asked();
    await replicas[0]?.back.kill("SIGKILL");
    expect((await first).status).toBe(503);
    const refused = await ask(1, key);
    expect([refused.status, refused.body.reason]).toEqual([409, "IDEMPOTENCY_KEY_IN_USE"]);
    // As if the time had passed for which the killed replica held it.
    const held = "held_until = now() - interval '1 second'";
    await server.run(`update engine.idempotency_keys set ${held} where key = '${key}'`, database);
    const second = ask(1, key);
    const answerProvider = await provider.asked();
    answerProvider("Nothing happened today.");
    expect((await second).status).toBe(200);
    expect(replayed(await ask(1, key))).toBe(true);
    expect(await decisions(key)).toBe(1);
  });

  it("waits out a lost connection to the database: what was kept is told again", async () => {
    const [key, name] = [newId(), newId()];
    const create = () => replica(1)("POST", agents, { name, agent_type: "test" }, keyed(key));
    const first = await create();
    await server.process().kill();
    await server.start();
    await until(async () => (await create()).status === 200, { ms: 15_000 });
    const again = await create();
    expect([again.body.id, replayed(again)]).toEqual([first.body.id, true]);
  });
});
