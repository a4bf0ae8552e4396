import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentUpdatedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { AgentRole, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { newId } from "../../../services/kit/ids.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { type Agents, person, startAgents } from "../support/agents.js";

let agents: Agents;
beforeAll(async () => {
  agents = await startAgents({ knowledgeBytes: 1000 });
});
afterAll(() => agents.database.end());

const full = {
  name: "Ada",
  agentType: "support",
  description: "Answers",
  configuration: { providerId: "local", instructions: "Be brief.", goals: ["help"] },
  knowledge: [{ title: "Hours", text: "Open at nine." }],
};
const mask = (...paths: string[]) => ({ updateMask: { paths } });

async function makeAgent(init: Partial<typeof full> & { status?: AgentStatus } = {}) {
  const mine = agents.as(person());
  const { agent } = await mine.createAgent({ agent: { ...full, ...init } });
  if (!agent) throw new Error("no agent was made");
  return { mine, agent, id: agent.id };
}

describe("UpdateAgent", () => {
  it("replaces every changeable field without a mask, and keeps the status", async () => {
    const { mine, id, agent } = await makeAgent({ status: AgentStatus.ACTIVE });
    agents.time.now += 1000;
    const updated = await mine.updateAgent({ agent: { id, name: "Bob", agentType: "sales" } });
    expect(updated.agent).toMatchObject({
      name: "Bob",
      agentType: "sales",
      description: "",
      configuration: { providerId: "", instructions: "", goals: [] },
      knowledge: [],
      status: AgentStatus.ACTIVE,
      createTime: agent.createTime,
      updateTime: { seconds: (agent.updateTime?.seconds ?? 0n) + 1n },
    });
    expect((await mine.getAgent({ id })).agent).toEqual(updated.agent);
  });

  it("changes what the mask names and nothing else", async () => {
    const { mine, id, agent } = await makeAgent();
    const change = { id, name: "ignored", configuration: { instructions: "Be kind." } };
    const updated = await mine.updateAgent({ agent: change, ...mask("configuration.instructions") });
    const { etag, updateTime } = updated.agent ?? {};
    const configuration = { ...agent.configuration, instructions: "Be kind." };
    expect(updated.agent).toEqual({ ...agent, configuration, etag, updateTime });
    expect((await mine.getAgent({ id })).agent).toEqual(updated.agent);
  });

  it("replaces knowledge that the mask names", async () => {
    const { mine, id } = await makeAgent();
    await mine.updateAgent({
      agent: { id, knowledge: [{ title: "New", text: "Text" }] },
      ...mask("knowledge"),
    });
    expect((await mine.getAgent({ id })).agent?.knowledge).toMatchObject([{ title: "New", text: "Text" }]);
  });

  it.each(["id", "owner", "create_time"])("ignores the output-only path %s", async (path) => {
    const { mine, id, agent } = await makeAgent();
    const { agent: updated } = await mine.updateAgent({
      agent: { id, owner: newId(), name: "Bob" },
      ...mask("name", path),
    });
    expect(updated).toMatchObject({ id, name: "Bob", owner: agent?.owner, createTime: agent?.createTime });
  });

  it.each(["nonsense", "configuration.url"])("refuses the path %s", async (path) => {
    const { mine, id, agent } = await makeAgent();
    expect(await rejectedBy(mine.updateAgent({ agent: { id, name: "Bob" }, ...mask("name", path) }))).toEqual(
      {
        code: "InvalidArgument",
        reason: "FIELD_MASK_INVALID",
        metadata: { path },
      },
    );
    expect((await mine.getAgent({ id })).agent).toEqual(agent);
  });

  it("follows the transitions of the status", async () => {
    const { mine, id } = await makeAgent();
    for (const status of [
      AgentStatus.ACTIVE,
      AgentStatus.SUSPENDED,
      AgentStatus.ACTIVE,
      AgentStatus.ARCHIVED,
    ]) {
      const { agent } = await mine.updateAgent({ agent: { id, status }, ...mask("status") });
      expect(agent?.status).toBe(status);
    }
  });

  it("brings no archived agent back", async () => {
    const { mine, id } = await makeAgent();
    await mine.updateAgent({ agent: { id, status: AgentStatus.ARCHIVED }, ...mask("status") });
    const revive = { agent: { id, status: AgentStatus.ACTIVE }, ...mask("status") };
    expect(await rejectedBy(mine.updateAgent(revive))).toEqual({
      code: "FailedPrecondition",
      reason: "AGENT_STATUS_TRANSITION",
      metadata: { from: "AGENT_STATUS_ARCHIVED", to: "AGENT_STATUS_ACTIVE" },
    });
    expect((await mine.getAgent({ id })).agent?.status).toBe(AgentStatus.ARCHIVED);
  });

  it("refuses the name of another agent of the owner", async () => {
    const { mine, id } = await makeAgent();
    await mine.createAgent({ agent: { ...full, name: "Bob" } });
    expect(await rejectedBy(mine.updateAgent({ agent: { id, name: "Bob" }, ...mask("name") }))).toMatchObject(
      {
        code: "AlreadyExists",
        reason: "AGENT_NAME_TAKEN",
      },
    );
    expect((await mine.getAgent({ id })).agent?.name).toBe("Ada");
  });

  it("refuses knowledge above the bound", async () => {
    const { mine, id } = await makeAgent();
    const knowledge = [{ title: "Long", text: "x".repeat(1000) }];
    expect(
      await rejectedBy(mine.updateAgent({ agent: { id, knowledge }, ...mask("knowledge") })),
    ).toMatchObject({
      code: "InvalidArgument",
      reason: "VALIDATION_FAILED",
    });
  });

  it("does not find an agent that does not exist", async () => {
    const id = newId();
    const change = { agent: { id, name: "Bob" }, ...mask("name") };
    expect(await rejectedBy(agents.as(person()).updateAgent(change))).toEqual({
      code: "NotFound",
      reason: "AGENT_NOT_FOUND",
      metadata: { id },
    });
  });

  it("finds an agent by its id in capitals", async () => {
    const { mine, id } = await makeAgent();
    const { agent } = await mine.updateAgent({
      agent: { id: id.toUpperCase(), name: "Bob" },
      ...mask("name"),
    });
    expect(agent).toMatchObject({ id, name: "Bob" });
  });
});

describe("UpdateAgent with an etag", () => {
  it("applies to the state that the etag means, and changes it", async () => {
    const { mine, id, agent } = await makeAgent();
    const updated = await mine.updateAgent({
      agent: { id, name: "Bob", etag: agent.etag },
      ...mask("name", "etag"),
    });
    expect(updated.agent?.name).toBe("Bob");
    expect(updated.agent?.etag).not.toBe(agent.etag);
    expect((await mine.getAgent({ id })).agent?.etag).toBe(updated.agent?.etag);
  });

  it("refuses an outdated etag and writes nothing", async () => {
    const { mine, id, agent } = await makeAgent();
    const { agent: second } = await mine.updateAgent({ agent: { id, name: "Bob" }, ...mask("name") });
    const outdated = { agent: { id, name: "Eve", etag: agent.etag }, ...mask("name") };
    expect(await rejectedBy(mine.updateAgent(outdated))).toEqual({
      code: "Aborted",
      reason: "ETAG_MISMATCH",
      metadata: { id },
    });
    expect((await mine.getAgent({ id })).agent).toEqual(second);
    expect(await agents.events(id)).toHaveLength(2);
  });

  it("lets exactly one of concurrent updates of the same state win", async () => {
    const { mine, id, agent } = await makeAgent();
    const names = ["B", "C", "D", "E", "F", "G", "H"];
    const attempts = names.map((name) =>
      mine.updateAgent({ agent: { id, name, etag: agent.etag }, ...mask("name") }).then(
        (reply) => reply.agent?.name,
        (error: unknown) => rejectedBy(Promise.reject(error)),
      ),
    );
    const outcomes = await Promise.all(attempts);
    const winners = outcomes.filter((outcome) => typeof outcome === "string");
    expect(winners).toEqual([(await mine.getAgent({ id })).agent?.name]);
    expect(outcomes.filter((one) => typeof one === "object" && one.reason === "ETAG_MISMATCH")).toHaveLength(
      6,
    );
    expect(await agents.events(id)).toHaveLength(2);
  });

  it("loses no change of concurrent updates without one", async () => {
    const { mine, id } = await makeAgent();
    await Promise.all([
      mine.updateAgent({ agent: { id, name: "Bob" }, ...mask("name") }),
      mine.updateAgent({ agent: { id, description: "New" }, ...mask("description") }),
      mine.updateAgent({ agent: { id, agentType: "sales" }, ...mask("agent_type") }),
      mine.updateAgent({ agent: { id, status: AgentStatus.ACTIVE }, ...mask("status") }),
    ]);
    const { agent } = await mine.getAgent({ id });
    const expected = { name: "Bob", description: "New", agentType: "sales", status: AgentStatus.ACTIVE };
    expect(agent).toMatchObject(expected);
    expect((await agents.events(id)).map(({ version }) => version)).toEqual([1n, 2n, 3n, 4n, 5n]);
  });
});

describe("event of an update", () => {
  it("names the fields that changed and holds the agent without its knowledge", async () => {
    const { mine, id } = await makeAgent();
    const change = { id, name: "Ada", description: "New", agentType: "support", knowledge: [] };
    const { agent } = await mine.updateAgent({ agent: change, ...mask("name", "description", "knowledge") });
    const event = (await agents.events(id))[1];
    const updated = event?.payload && anyUnpack(event.payload, AgentUpdatedSchema);
    expect(event?.version).toBe(2n);
    expect(updated?.changedFields).toEqual(["description", "knowledge"]);
    expect(updated?.agent).toEqual({ ...agent, knowledge: [], role: AgentRole.UNSPECIFIED });
  });

  it("is not written, and the etag stays, when nothing changes", async () => {
    const { mine, id, agent } = await makeAgent();
    agents.time.now += 1000;
    expect((await mine.updateAgent({ agent })).agent).toEqual(agent);
    expect((await mine.updateAgent({ agent: { id }, ...mask("etag") })).agent).toEqual(agent);
    expect(await agents.events(id)).toHaveLength(1);
  });

  it("takes the change with it when it cannot be written", async () => {
    const { mine, id, agent } = await makeAgent();
    await agents.withoutEvents(async () => {
      const change = { agent: { id, name: "Bob" }, ...mask("name") };
      await expect(mine.updateAgent(change)).rejects.toThrow("no_events");
    });
    expect((await mine.getAgent({ id })).agent).toEqual(agent);
  });
});
