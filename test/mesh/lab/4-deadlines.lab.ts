import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { AuthService } from "#gen/ts/consciousness/auth/v1/auth_service_pb.js";
import { until } from "../../../mesh/lab/commands.js";
import { containerProcess } from "../../../mesh/lab/containers.js";
import { startReplicas } from "../../../mesh/lab/lab.js";
import { find } from "../../../mesh/lab/manifests.js";
import { type Pod, removePod, runningPods } from "../../../mesh/lab/pods.js";
import type { Reply } from "../../../mesh/lab/requests.js";
import { publishEndpoints } from "../../../mesh/lab/services.js";
import {
  callerAt,
  changed,
  frame,
  grpc,
  grpcStatus,
  hasReason,
  internalToken,
  place,
  podsOf,
  proxyStats,
  record,
  rendered,
  settles,
  withoutRules,
  withRules,
} from "./lab.js";

const login = "consciousness.auth.v1.AuthService/Login";
const createAgent = "consciousness.agents.v1.AgentsService/CreateAgent";
const deadlineExceeded = 4;
const unavailable = 14;

/** A sign-in, whose password takes some tenths of a second to check. */
const slowLogin = (deadlineMs: number) =>
  grpc("auth", login, {
    body: frame(AuthService.method.login.input, { username: "admin", password: "not the password" }),
    headers: { "grpc-timeout": `${deadlineMs}m` },
  });

let made = 0;
function newAgent(): string {
  made += 1;
  const agent = create(AgentSchema, { name: `${Date.now()} ${made}`, agentType: "assistant" });
  return frame(AgentsService.method.createAgent.input, { agent });
}

const sum = (stats: ReadonlyMap<string, number>) =>
  [...stats.values()].reduce((total, value) => total + value, 0);
const ejections = async (workload: string) =>
  sum(await proxyStats("gateway", `${workload}\\..*outlier_detection.ejections_detected_consecutive_5xx`));

const exchange = "consciousness.auth.v1.AuthService/ExchangeToken";

/** An exchange of tokens while auth stands still. */
async function exchangeWithoutAnswer(headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
  const [pod] = await podsOf("auth");
  const id = await containerProcess(pod!);
  const gateway = await callerAt("gateway");
  process.kill(id, "SIGSTOP");
  try {
    const reply = await gateway.call(grpc("auth", exchange, { timeoutMs: 10_000, headers }));
    expect(grpcStatus(reply)).not.toBe(0);
    return reply;
  } finally {
    process.kill(id, "SIGCONT");
  }
}

const impatient = { "grpc-timeout": "200m" };

describe("a short deadline of a caller", () => {
  it("is answered by us, never by Envoy, and ejects nobody", async () => {
    const gateway = await callerAt("gateway");
    const before = await ejections("auth");
    const deadlineMs = 100;
    const replies = await gateway.send({ ...slowLogin(deadlineMs), times: 20 });
    const typed = replies.filter((reply) => hasReason(reply, "DEADLINE_EXCEEDED"));
    expect(typed.map(grpcStatus)).toEqual(replies.map(() => deadlineExceeded));
    expect(await ejections("auth")).toBe(before);
    await record("short deadlines", {
      calls: replies.length,
      deadlineMs,
      typedErrors: typed.length,
      ejections: 0,
    });
  });

  it("does not shorten how long Envoy waits for a workload that answers nothing", async () => {
    expect((await exchangeWithoutAnswer(impatient)).tookMs).toBeGreaterThan(1200);
  });

  it("is taken for a failure of the workload where Envoy acts on it", async () => {
    await withoutRules([find(rendered, "EnvoyFilter", "caller-deadlines")], async () => {
      const before = await ejections("auth");
      await settles("Envoy gives up early", async () => {
        const reply = await exchangeWithoutAnswer(impatient);
        return reply.tookMs < 1000 && grpcStatus(reply) === unavailable;
      });
      expect(await ejections("auth")).toBeGreaterThan(before);
    });
    await settles("Envoy waits again", async () => (await exchangeWithoutAnswer(impatient)).tookMs > 1200);
  });
});

describe("a workload that answers nothing", () => {
  it("is given up on a quarter of a second after its deadline", async () => {
    const { tookMs } = await exchangeWithoutAnswer();
    expect(tookMs).toBeGreaterThan(1200);
    expect(tookMs).toBeLessThan(1800);
    await record("route timeout", { deadlineMs: 1000, givenUpAfterMs: Math.round(tookMs) });
  });

  it("is waited for longer where the route says so", async () => {
    const longer = changed("VirtualService", "auth", ({ spec }) => {
      for (const route of spec.http) route.timeout = "3s";
    });
    await withRules([longer], async () => {
      let tookMs = 0;
      await settles("the longer timeout is live", async () => {
        if (tookMs < 2900) ({ tookMs } = await exchangeWithoutAnswer());
        return tookMs >= 2900;
      });
      expect(tookMs).toBeLessThan(3600);
    });
  });
});

describe("the pool of a workload", () => {
  it("refuses at once what it has no room for", async () => {
    const small = changed("DestinationRule", "auth", ({ spec }) => {
      spec.trafficPolicy.connectionPool.http = {
        http1MaxPendingRequests: 1,
        http2MaxRequests: 1,
        maxRetries: 1,
      };
    });
    const overflow = (reply: Reply) =>
      grpcStatus(reply) === unavailable &&
      /overflow/.test(decodeURIComponent(reply.headers["grpc-message"] ?? ""));
    const gateway = await callerAt("gateway");
    const roomy = await gateway.send({ ...slowLogin(1500), times: 6, concurrency: 6 });
    expect(roomy.filter(overflow)).toEqual([]);
    await withRules([small], async () => {
      let refused: Reply[] = [];
      await settles("calls overflow", async () => {
        const replies = await gateway.send({ ...slowLogin(1500), times: 6, concurrency: 6 });
        const now = replies.filter(overflow);
        if (now.length > 0) refused = now;
        return refused.length > 0;
      });
      for (const { tookMs } of refused) expect(tookMs).toBeLessThan(300);
      await record("pool overflow", {
        refusedAfterMs: Math.round(Math.max(...refused.map(({ tookMs }) => tookMs))),
      });
    });
  });
});

describe("a failing replica", () => {
  let broken: Pod;

  beforeAll(async () => {
    const environment = { AUTH_URL: "http://auth:9" };
    const [pod] = await startReplicas(place, [{ deployment: "agents", environment }]);
    broken = pod!;
  });

  afterAll(async () => {
    await removePod(place, broken);
    await publishEndpoints(place, await runningPods(place));
  });

  /** How many of `times` creations fail. */
  async function failures(times: number): Promise<number> {
    const headers = await internalToken("agents");
    const replies = await (await callerAt("gateway")).send(
      grpc("agents", createAgent, { headers, bodies: Array.from({ length: times }, newAgent), times }),
    );
    const codes = replies.map(grpcStatus);
    // A machine that is busy with other things may exceed a deadline, which is no failure of the replica.
    expect(codes.filter((code) => ![0, unavailable, deadlineExceeded].includes(code))).toEqual([]);
    return codes.filter((code) => code === unavailable).length;
  }

  it("is ejected after five failures and comes back after half a minute", async () => {
    let seen = 0;
    await settles("the replica is called", async () => {
      if (seen === 0) seen = await failures(4);
      return seen > 0;
    });
    const first = await failures(60);
    expect(first).toBeLessThanOrEqual(10);
    expect(await failures(20)).toBe(0);
    const ejectedAt = Date.now();
    let back = 0;
    await settles(
      "the replica is called again",
      async () => {
        if (back === 0 && (await failures(6)) > 0) back = Date.now();
        return back > 0;
      },
      90_000,
    );
    const afterMs = back - ejectedAt;
    expect(afterMs).toBeGreaterThan(15_000);
    await record("ejection", { failuresSeen: seen + first, backAfterSeconds: Math.round(afterMs / 1000) });
  });

  it("is ejected by its share of failures too, whatever succeeds between them", async () => {
    const share = changed("DestinationRule", "agents", ({ spec }) => {
      spec.trafficPolicy.outlierDetection.consecutive5xxErrors = 0;
    });
    await withRules([share], async () => {
      let seen = 0;
      await settles(
        "the replica is called",
        async () => {
          if (seen === 0) seen = await failures(6);
          return seen > 0;
        },
        90_000,
      );
      await until("no call fails any more", async () => (await failures(30)) === 0, { timeoutMs: 60_000 });
    });
  });

  it("fails on and on where nothing ejects it", async () => {
    const patient = changed("DestinationRule", "agents", ({ spec }) => {
      spec.trafficPolicy.outlierDetection = undefined;
    });
    await withoutRules([find(rendered, "EnvoyFilter", "failure-percentage")], () =>
      withRules([patient], async () => {
        let seen = 0;
        await settles(
          "the replica is called",
          async () => {
            if (seen === 0) seen = await failures(6);
            return seen > 0;
          },
          90_000,
        );
        expect(await failures(60)).toBeGreaterThan(10);
      }),
    );
  });
});
