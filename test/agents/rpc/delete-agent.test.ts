import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentDeletedSchema } from "#gen/ts/consciousness/agents/v1/agent_events_pb.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { type Agents, person, startAgents } from "../support/agents.js";

let agents: Agents;
beforeAll(async () => {
  agents = await startAgents();
});
afterAll(() => agents.database.end());

async function makeAgent() {
  const mine = agents.as(person());
  const { agent } = await mine.createAgent({ agent: { name: "Ada", agentType: "support" } });
  if (!agent) throw new Error("no agent was made");
  return { mine, id: agent.id, etag: agent.etag };
}

describe("DeleteAgent", () => {
  it("deletes the agent, tells of it and frees its name", async () => {
    const { mine, id } = await makeAgent();
    await mine.deleteAgent({ id });
    expect(await rejectedBy(mine.getAgent({ id }))).toMatchObject({
      code: "NotFound",
      reason: "AGENT_NOT_FOUND",
    });
    const event = (await agents.events(id))[1];
    expect(event?.version).toBe(2n);
    expect(event?.payload && anyUnpack(event.payload, AgentDeletedSchema)?.agentId).toBe(id);
    await mine.createAgent({ agent: { name: "Ada", agentType: "support" } });
  });

  it("deletes the state that the etag means", async () => {
    const { mine, id, etag } = await makeAgent();
    await mine.deleteAgent({ id, etag });
    expect((await mine.listAgents({})).agents).toEqual([]);
  });

  it("refuses an outdated etag and deletes nothing", async () => {
    const { mine, id, etag } = await makeAgent();
    await mine.updateAgent({ agent: { id, name: "Bob" }, updateMask: { paths: ["name"] } });
    expect(await rejectedBy(mine.deleteAgent({ id, etag }))).toEqual({
      code: "Aborted",
      reason: "ETAG_MISMATCH",
      metadata: { id },
    });
    expect((await mine.getAgent({ id })).agent?.name).toBe("Bob");
  });

  it("does not find what was deleted before", async () => {
    const { mine, id } = await makeAgent();
    const both = [mine.deleteAgent({ id }), mine.deleteAgent({ id })];
    const settled = await Promise.allSettled(both);
    expect(settled.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await rejectedBy(mine.deleteAgent({ id }))).toMatchObject({ reason: "AGENT_NOT_FOUND" });
    expect(await agents.events(id)).toHaveLength(2);
  });

  it("keeps the agent when the event cannot be written", async () => {
    const { mine, id } = await makeAgent();
    await agents.withoutEvents(() => expect(mine.deleteAgent({ id })).rejects.toThrow("no_events"));
    expect((await mine.getAgent({ id })).agent?.id).toBe(id);
  });
});
