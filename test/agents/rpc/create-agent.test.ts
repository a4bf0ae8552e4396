import { anyUnpack, timestampDate } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentCreatedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { AgentRole, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { type Agents, person, startAgents, startTime } from "../support/agents.js";

let agents: Agents;
beforeAll(async () => {
  agents = await startAgents({ knowledgeBytes: 1000 });
});
afterAll(() => agents.database.end());

const ada = { name: "Ada", agentType: "support" };
const full = {
  ...ada,
  description: "Zeile\n\t‘quoted’ 🙂",
  configuration: { providerId: "local", instructions: "Be brief.", goals: ["help", "say why"] },
  knowledge: [{ title: "Hours", text: "Open at nine." }],
  status: AgentStatus.ACTIVE,
};

describe("CreateAgent", () => {
  it("returns the agent with what the server gives it", async () => {
    const owner = person();
    const { agent } = await agents.as(owner).createAgent({ agent: full });
    expect(agent).toMatchObject({ ...full, owner: owner.subject });
    expect(agent?.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(agent?.etag).not.toBe("");
    expect(agent?.createTime && timestampDate(agent.createTime).getTime()).toBe(startTime);
    expect(agent?.updateTime).toEqual(agent?.createTime);
  });

  it("keeps all of it", async () => {
    const mine = agents.as(person());
    const { agent } = await mine.createAgent({ agent: full });
    expect((await mine.getAgent({ id: agent?.id ?? "" })).agent).toEqual(agent);
  });

  it("makes an inactive agent with an empty configuration unless told more", async () => {
    const { agent } = await agents.as(person()).createAgent({ agent: ada });
    expect(agent).toMatchObject({
      status: AgentStatus.INACTIVE,
      knowledge: [],
      configuration: { goals: [] },
    });
  });

  it("ignores output-only fields", async () => {
    const owner = person();
    const given = { ...ada, id: "1", owner: "somebody", etag: "x", createTime: { seconds: 1n } };
    const { agent } = await agents.as(owner).createAgent({ agent: given });
    expect(agent?.owner).toBe(owner.subject);
    expect(agent?.id).not.toBe("1");
    expect(agent?.etag).not.toBe("x");
    expect(agent?.createTime?.seconds).not.toBe(1n);
  });

  it.each([AgentStatus.SUSPENDED, AgentStatus.ARCHIVED])(
    "refuses to begin with status %i",
    async (status) => {
      const mine = agents.as(person());
      expect(await rejectedBy(mine.createAgent({ agent: { ...ada, status } }))).toMatchObject({
        code: "FailedPrecondition",
        reason: "AGENT_STATUS_TRANSITION",
      });
      expect((await mine.listAgents({})).agents).toEqual([]);
    },
  );

  it("refuses a name that the owner already uses", async () => {
    const mine = agents.as(person());
    await mine.createAgent({ agent: ada });
    expect(await rejectedBy(mine.createAgent({ agent: ada }))).toEqual({
      code: "AlreadyExists",
      reason: "AGENT_NAME_TAKEN",
      metadata: { name: "Ada" },
    });
    expect((await mine.listAgents({})).agents).toHaveLength(1);
  });

  it("lets one of two concurrent creates have the name", async () => {
    const mine = agents.as(person());
    const both = await Promise.allSettled([
      mine.createAgent({ agent: ada }),
      mine.createAgent({ agent: ada }),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });

  it("admits knowledge of the greatest size and refuses one byte more", async () => {
    const mine = agents.as(person());
    const knowledge = [
      { title: "é".repeat(50), text: "é".repeat(400) },
      { title: "b", text: "c".repeat(99) },
    ];
    await mine.createAgent({ agent: { ...ada, knowledge } });
    const more = [...knowledge.slice(0, 1), { title: "bb", text: "c".repeat(99) }];
    const refused = await rejectedBy(mine.createAgent({ agent: { ...ada, name: "Bob", knowledge: more } }));
    expect(refused).toMatchObject({ code: "InvalidArgument", reason: "VALIDATION_FAILED" });
    expect(refused.metadata.problems).toContain("agent.knowledge");
  });

  it("tells of the agent without its knowledge", async () => {
    const owner = person("tenant-1");
    const { agent } = await agents.as(owner).createAgent({ agent: full });
    const events = await agents.events(agent?.id ?? "");
    expect(events).toMatchObject([{ tenantId: "tenant-1", version: 1n, actor: owner.subject }]);
    const created = events[0]?.payload && anyUnpack(events[0].payload, AgentCreatedSchema);
    expect(created?.agent).toEqual({ ...agent, knowledge: [], role: AgentRole.UNSPECIFIED });
  });

  it("leaves no agent when its event cannot be written", async () => {
    const mine = agents.as(person());
    await agents.withoutEvents(async () => {
      await expect(mine.createAgent({ agent: ada })).rejects.toThrow("no_events");
    });
    expect((await mine.listAgents({})).agents).toEqual([]);
    await mine.createAgent({ agent: ada });
  });

  it("refuses a call without a principal", async () => {
    const refused = await rejectedBy(agents.as(undefined).createAgent({ agent: ada }));
    expect(refused).toMatchObject({ code: "Unauthenticated", reason: "CREDENTIALS_MISSING" });
  });
});
