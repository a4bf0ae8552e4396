import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adminPassword } from "../support/platform.js";
import { type RestAnswer, restClient } from "../support/rest.js";
import {
  platformInstalled,
  type ReplicatedPlatform,
  report,
  startReplicatedPlatform,
} from "./deployment/platform.js";
import { until } from "./servers/process-tree.js";

/** Within what every gateway refuses a revoked token, and every token when it hears nothing of revocations. */
const reachMs = 1000;
/** What one call, and the pause between two, may add to that on a busy machine. */
const marginMs = 500;
const pauseMs = 20;

const profile = "/api/v1/auth/profile";
/** Answered without auth, while the exchanged token is remembered. */
const agents = "/api/v1/agents?page_size=1";

describe.skipIf(!platformInstalled)("sessions on two replicas of every service", () => {
  let platform: ReplicatedPlatform;
  beforeAll(async () => {
    platform = await startReplicatedPlatform();
  });
  afterAll(() => platform?.stop());

  const gateways = () => platform.deployment.gateways;
  const replicasOf = (workload: string) =>
    platform.deployment.replicas.filter((replica) => replica.workload === workload);
  const at = (gateway: number, token?: string) => restClient(gateways()[gateway] ?? "", token);

  async function signIn() {
    const credentials = { username: "admin", password: adminPassword };
    const { body } = await at(0)("POST", "/api/v1/auth/login", credentials);
    return pairOf(body);
  }

  const refresh = (gateway: number, token: string) =>
    at(gateway)("POST", "/api/v1/auth/refresh", { refresh_token: token });

  /** Milliseconds from now until each gateway answers the call otherwise than with 200, and how. */
  const untilRefused = (token: string, path: string) =>
    Promise.all(
      gateways().map(async (_, gateway) => {
        const begun = performance.now();
        for (;;) {
          const answer = await at(gateway, token)("GET", path);
          const ms = performance.now() - begun;
          if (answer.status !== 200) return { ms, answer };
          expect(ms, "still accepted").toBeLessThan(30_000);
          await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
      }),
    );

  const expectRefused = (
    refused: Awaited<ReturnType<typeof untilRefused>>,
    status: number,
    reason: string,
  ) => {
    report(`  ${reason} after ${refused.map(({ ms }) => ms.toFixed(0)).join(" and ")} ms`);
    for (const { ms, answer } of refused) {
      expect(reasonOf(answer)).toEqual([status, reason]);
      expect(ms).toBeLessThanOrEqual(reachMs + marginMs);
    }
  };

  it("end on both when a rotated refresh token comes again, access tokens included", async () => {
    const first = await signIn();
    const second = pairOf((await refresh(1, first.refresh)).body);
    const third = pairOf((await refresh(0, second.refresh)).body);
    expect((await at(1, third.access)("GET", profile)).status).toBe(200);
    expect(reasonOf(await refresh(1, first.refresh))).toEqual([401, "REFRESH_TOKEN_REUSED"]);
    expectRefused(await untilRefused(third.access, profile), 401, "TOKEN_REVOKED");
    for (const gateway of [0, 1]) {
      expect(reasonOf(await refresh(gateway, third.refresh))).toEqual([401, "REFRESH_TOKEN_INVALID"]);
      expect(reasonOf(await at(gateway, first.access)("GET", profile))).toEqual([401, "TOKEN_REVOKED"]);
    }
  });

  it("give the same next token to whoever comes at once, through either gateway", async () => {
    const first = await signIn();
    const answers = await Promise.all([0, 1, 0, 1].map((gateway) => refresh(gateway, first.refresh)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.map(({ body }) => pairOf(body).refresh)).size).toBe(1);
    for (const [gateway, { body }] of answers.entries()) {
      expect((await at(gateway % 2, pairOf(body).access)("GET", profile)).status).toBe(200);
    }
  });

  it("are refused by both within a second of their end, while others go on", async () => {
    const [gone, other] = [await signIn(), await signIn()];
    for (const gateway of [0, 1]) {
      expect((await at(gateway, gone.access)("GET", agents)).status).toBe(200);
    }
    expect((await at(0, gone.access)("POST", "/api/v1/auth/logout", {})).status).toBe(200);
    expectRefused(await untilRefused(gone.access, agents), 401, "TOKEN_REVOKED");
    for (const gateway of [0, 1]) {
      expect((await at(gateway, other.access)("GET", agents)).status).toBe(200);
    }
  });

  it("are refused though their end was committed after later ones", async () => {
    const { postgres, database } = platform.servers;
    const [slow, quick] = [await signIn(), await signIn()];
    const client = new pg.Client({ connectionString: postgres.url(database) });
    await client.connect();
    try {
      await client.query("begin");
      await client.query(
        `insert into auth.revocations (kind, tenant_id, subject, create_time, expire_time)
         values ('SESSION', 'default', $1, now(), now() + interval '1 hour')`,
        [sessionOf(slow.access)],
      );
      await at(0, quick.access)("POST", "/api/v1/auth/logout", {});
      expectRefused(await untilRefused(quick.access, agents), 401, "TOKEN_REVOKED");
      expect((await at(0, slow.access)("GET", agents)).status).toBe(200);
      await client.query("commit");
    } finally {
      await client.end();
    }
    expectRefused(await untilRefused(slow.access, agents), 401, "TOKEN_REVOKED");
  });

  it("are refused with every other one while nothing is heard of revocations, and go on afterwards", async () => {
    const { access } = await signIn();
    for (const gateway of [0, 1]) {
      expect((await at(gateway, access)("GET", agents)).status).toBe(200);
    }
    await Promise.all(replicasOf("auth").map((replica) => replica.kill()));
    const refused = await untilRefused(access, agents);
    expectRefused(refused, 503, "DEPENDENCY_UNAVAILABLE");
    for (const { answer } of refused) expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);

    // A gateway that starts before auth knows neither keys nor revocations.
    const [gateway] = replicasOf("gateway");
    await gateway?.kill();
    await gateway?.start();
    expect(reasonOf(await at(0, access)("GET", agents))).toEqual([503, "DEPENDENCY_UNAVAILABLE"]);

    await Promise.all(replicasOf("auth").map((replica) => replica.start()));
    for (const gateway of [0, 1]) {
      await until(async () => (await at(gateway, access)("GET", agents)).status === 200, { ms: 30_000 });
    }
  });
});

function pairOf(body: { tokens: { access_token: string; refresh_token: string } }) {
  return { access: body.tokens.access_token, refresh: body.tokens.refresh_token };
}

function sessionOf(access: string): string {
  return JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString()).sid;
}

function reasonOf({ status, body }: RestAnswer): [number, string] {
  return [status, body.reason];
}
