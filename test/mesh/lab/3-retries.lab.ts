import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentSchema } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import {
  AgentsService,
  ListAgentsResponseSchema,
} from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import { until } from "../../../mesh/lab/commands.js";
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
  logLines,
  place,
  record,
  rendered,
  settles,
  unframe,
  withoutRules,
  withRules,
} from "./lab.js";

const list = "consciousness.agents.v1.AgentsService/ListAgents";
const createAgent = "consciousness.agents.v1.AgentsService/CreateAgent";
const unavailable = 14;

/** A replica that cannot fetch auth's keys: it answers UNAVAILABLE to whoever brings a token. */
let broken: Pod;

beforeAll(async () => {
  const [pod] = await startReplicas(place, [
    { deployment: "agents", environment: { AUTH_URL: "http://auth:9" } },
  ]);
  broken = pod!;
});

afterAll(async () => {
  await removePod(place, broken);
  await publishEndpoints(place, await runningPods(place));
});

/** Without ejection the broken replica stays, and retries alone decide. */
const circuits = [
  changed("DestinationRule", "agents", ({ spec }) => {
    spec.trafficPolicy.outlierDetection = undefined;
  }),
];
const withoutCircuits = (work: () => Promise<void>) =>
  withoutRules([find(rendered, "EnvoyFilter", "failure-percentage")], () => withRules(circuits, work));

async function callsServed(pod: Pod, method: string): Promise<number> {
  const lines = await logLines(pod);
  return lines.filter(
    ({ message, metadata }) => /^call (served|failed|refused)$/.test(message) && metadata.method === method,
  ).length;
}

const codes = (replies: readonly Reply[]) => replies.map(grpcStatus);

describe("a replica that is unavailable", () => {
  it("fails no idempotent call, since those are retried elsewhere", async () => {
    await withoutCircuits(async () => {
      const gateway = await callerAt("gateway");
      const headers = await internalToken("agents");
      await settles("the new replica is called", async () => {
        await gateway.call(grpc("agents", list, { headers }));
        return (await callsServed(broken, list)) > 0;
      });
      const before = await callsServed(broken, list);
      const replies = await gateway.send(grpc("agents", list, { headers, times: 40 }));
      expect(new Set(codes(replies))).toEqual(new Set([0]));
      const failed = (await callsServed(broken, list)) - before;
      expect(failed).toBeGreaterThan(0);
      await record("retries", {
        idempotentCalls: replies.length,
        answeredUnavailableAndRetried: failed,
        failedForTheCaller: 0,
      });
    });
  });

  it("fails other calls once, in trailers alone, without an effect", async () => {
    await withoutCircuits(async () => {
      const gateway = await callerAt("gateway");
      const headers = await internalToken("agents");
      const count = async () => {
        let [total, pageToken] = [0, ""];
        do {
          const body = frame(AgentsService.method.listAgents.input, { pageSize: 100, pageToken });
          const reply = await gateway.call(grpc("agents", list, { headers, body }));
          const page = unframe(ListAgentsResponseSchema, reply);
          total += page.agents.length;
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        return total;
      };
      const before = await count();
      const attempted = await callsServed(broken, createAgent);
      const bodies = Array.from({ length: 20 }, (_, at) =>
        frame(AgentsService.method.createAgent.input, {
          agent: create(AgentSchema, { name: `agent ${at} of ${Date.now()}`, agentType: "assistant" }),
        }),
      );
      const replies = await gateway.send(
        grpc("agents", createAgent, { headers, bodies, times: bodies.length }),
      );
      const failed = replies.filter((reply) => grpcStatus(reply) === unavailable);
      expect(new Set(codes(replies))).toEqual(new Set([0, unavailable]));
      for (const reply of failed) {
        expect(reply.headersOnly).toBe(true);
        expect(hasReason(reply, "DEPENDENCY_UNAVAILABLE")).toBe(true);
      }
      const tried = async () => (await callsServed(broken, createAgent)) - attempted;
      await until("every attempt is logged", async () => (await tried()) >= failed.length);
      expect(await tried()).toBe(failed.length);
      expect((await count()) - before).toBe(replies.length - failed.length);
    });
  });

  it("fails idempotent calls too where nothing is retried", async () => {
    const never = changed("VirtualService", "agents", ({ spec }) => {
      for (const route of spec.http) route.retries = { attempts: 0 };
    });
    await withoutCircuits(() =>
      withRules([never], async () => {
        const gateway = await callerAt("gateway");
        const headers = await internalToken("agents");
        let seen = 0;
        await settles("calls fail", async () => {
          const replies = await gateway.send(grpc("agents", list, { headers, times: 6 }));
          if (codes(replies).includes(unavailable)) seen += 1;
          return seen > 0;
        });
      }),
    );
  });

  it("fails no other call either where those are retried, as they must not be", async () => {
    const always = changed("VirtualService", "agents", ({ spec }) => {
      const { retries } = spec.http.find(({ name }: { name: string }) => name === "AgentsService.ListAgents");
      for (const route of spec.http) route.retries = retries;
    });
    await withoutCircuits(() =>
      withRules([always], async () => {
        const gateway = await callerAt("gateway");
        await settles("no call fails", async () => {
          const bodies = Array.from({ length: 10 }, (_, at) =>
            frame(AgentsService.method.createAgent.input, {
              agent: create(AgentSchema, { name: `twice ${at} of ${Date.now()}`, agentType: "assistant" }),
            }),
          );
          const headers = await internalToken("agents");
          const replies = await gateway.send(
            grpc("agents", createAgent, { headers, bodies, times: bodies.length }),
          );
          return !codes(replies).includes(unavailable);
        });
      }),
    );
  });
});
