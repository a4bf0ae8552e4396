import { rm } from "node:fs/promises";
import { Code, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { expect, it } from "vitest";
import { AgentsService } from "#gen/ts/consciousness/agents/v1/agents_service_pb.js";
import type { WorkloadName } from "../../services/kit/contract/workloads.js";
import { freshDataDirectory } from "../support/data-directory.js";
import { signIn } from "../support/platform.js";
import { type StandIn, startProvider } from "../support/provider.js";
import { restClient } from "../support/rest.js";
import { freePorts, spawnPlatform } from "../support/spawned-platform.js";
import { until } from "../support/until.js";
import { itStreamsAnswers } from "./answers-in-streams.js";
import { itCountsDecisions } from "./figures-of-decisions.js";
import { describeJudgedPlatform, type Platform } from "./judged-platform.js";

const groups: readonly (readonly WorkloadName[])[] = [
  ["gateway", "auth"],
  ["engine", "agents", "analytics"],
];

interface InTwo extends Platform {
  /** The port of agents, which nobody outside is to reach. */
  readonly agentsUrl: string;
  /** Whom the agents with the provider `llm` ask. */
  readonly provider: StandIn;
}

describeJudgedPlatform("the platform in two processes", startInTwo, (signedIn) => {
  itStreamsAnswers(signedIn);
  itCountsDecisions(signedIn);

  const rest = (...call: Parameters<ReturnType<typeof restClient>>) => {
    const { platform, token } = signedIn();
    return restClient(platform.url, token)(...call);
  };

  it("asks auth for an account before an agent is shared with it, in the owner's name", async () => {
    const account = { name: "reader", permissions: ["PERMISSION_AGENT_READ"] };
    const made = await rest("POST", "/api/v1/auth/service-accounts", account);
    const { id } = (await rest("POST", "/api/v1/agents", { name: "Shared", agent_type: "support" })).body;
    const role = { role: "AGENT_ROLE_VIEWER" };
    const shared = await rest("PUT", `/api/v1/agents/${id}/shares/${made.body.service_account.id}`, role);
    expect(shared.status).toBe(200);
    expect(shared.body).toMatchObject({ subject: made.body.service_account.id, ...role });
    const refused = await rest("PUT", `/api/v1/agents/${id}/shares/${id}`, role);
    expect([refused.status, refused.body.reason]).toEqual([404, "SUBJECT_NOT_FOUND"]);
  });

  it("carries an API key over the wire, with no more than its scopes, until it is revoked", async () => {
    const scopes = ["PERMISSION_AGENT_READ"];
    const { body } = await rest("POST", "/api/v1/auth/api-keys", { name: "across", scopes });
    const header = { "x-api-key": body.key };
    const byKey = restClient(signedIn().platform.url);
    expect((await byKey("GET", "/api/v1/agents", undefined, header)).status).toBe(200);
    const denied = await byKey("POST", "/api/v1/agents", { name: "x", agent_type: "x" }, header);
    expect([denied.status, denied.body.reason]).toEqual([403, "PERMISSION_MISSING"]);
    await rest("DELETE", `/api/v1/auth/api-keys/${body.api_key.id}`);
    const reason = async () => (await byKey("GET", "/api/v1/agents", undefined, header)).body.reason;
    await until(async () => (await reason()) === "API_KEY_INVALID");
  });

  it("records who comes to a workload past the gateway", async () => {
    const { platform, token } = signedIn();
    const past = createClient(AgentsService, createGrpcTransport({ baseUrl: platform.agentsUrl }));
    const refused = past.listAgents({}, { headers: { authorization: `Bearer ${token}` } });
    await expect(refused).rejects.toMatchObject({ code: Code.PermissionDenied });
    const query = "platform=true&reason=CALLER_NOT_ALLOWED";
    const event = await until(async () => {
      const { body } = await rest("GET", `/api/v1/audit/events?${query}`);
      return body.events?.[0];
    });
    expect(event).toMatchObject({
      method: "consciousness.agents.v1.AgentsService/ListAgents",
      workload: "agents",
      address: "127.0.0.1",
      code: "PERMISSION_DENIED",
    });
  });
});

/** Calls between the two go over HTTP/2, with workload tokens and exchanged internal tokens. */
async function startInTwo(): Promise<InTwo> {
  const provider = await startProvider();
  const directories = await Promise.all(groups.map(() => freshDataDirectory()));
  const ports = await freePorts(groups.flat());
  const addresses = Object.entries(ports).flatMap(([name, port]) => [
    [`${name.toUpperCase()}_PORT`, String(port)],
    [`${name.toUpperCase()}_URL`, `http://127.0.0.1:${port}`],
  ]);
  const environment = {
    ...(Object.fromEntries(addresses) as Record<string, string>),
    PEER_SECRET: "a secret of the workloads in this test",
    ENGINE_PROVIDERS: JSON.stringify([{ id: "llm", base_url: provider.url, model: "any", retries: 0 }]),
    ENGINE_KEEP_ALIVE_MS: "20",
  };
  const processes = await Promise.all(
    groups.map((names, index) => spawnPlatform({ names, directory: directories[index]!, environment })),
  );
  const url = `http://127.0.0.1:${ports.gateway}`;
  return {
    url,
    agentsUrl: `http://127.0.0.1:${ports.agents}`,
    provider,
    signIn: () => signIn(url),
    async stop() {
      await Promise.all(processes.map((one) => one.kill("SIGTERM")));
      provider.close();
      await Promise.all(directories.map((directory) => rm(directory, { recursive: true, force: true })));
    },
  };
}
