import { sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Agent, AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { newId } from "../../services/kit/ids.js";
import { pageTokenAfter } from "../../services/kit/page-token.js";
import { rejectedBy } from "../support/expect-reason.js";
import { type Agents, person, startAgents } from "./support/agents.js";

let agents: Agents;
let agent: Agent | undefined;
const owner = person("tenant-1");
const others = [
  ["another owner of the tenant", person("tenant-1")],
  ["the same subject of another tenant", person("tenant-2", owner.subject)],
  ["another owner of another tenant", person("tenant-2")],
] as const;

beforeAll(async () => {
  agents = await startAgents();
});
afterAll(() => agents.database.end());
beforeEach(async () => {
  await sql`truncate agents.agents cascade`.execute(agents.db);
  const given = { name: "Ada", agentType: "support", knowledge: [{ title: "Hours", text: "Open at nine." }] };
  agent = (await agents.as(owner).createAgent({ agent: given })).agent;
});

describe.each(others)("for %s", (_, other) => {
  const notFound = { code: "NotFound", reason: "AGENT_NOT_FOUND" };
  const id = () => agent?.id ?? "";
  const unchanged = async () => {
    expect((await agents.as(owner).getAgent({ id: id() })).agent).toEqual(agent);
    expect(await agents.events(id())).toHaveLength(1);
  };

  it("the agent is not to be read", async () => {
    expect(await rejectedBy(agents.as(other).getAgent({ id: id() }))).toMatchObject(notFound);
  });

  it("the agent is not in any list", async () => {
    const theirs = agents.as(other);
    expect((await theirs.listAgents({})).agents).toEqual([]);
    expect((await theirs.listAgents({ status: AgentStatus.INACTIVE })).agents).toEqual([]);
  });

  it("a forged page token reaches nothing", async () => {
    const end = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    const pageToken = pageTokenAfter(end, [other.tenant, other.subject, "0", ""]);
    expect((await agents.as(other).listAgents({ pageToken })).agents).toEqual([]);
  });

  it("the agent is not to be changed, with or without its etag", async () => {
    for (const etag of ["", agent?.etag ?? "", "wrong"]) {
      const change = { agent: { id: id(), name: "Mine", etag }, updateMask: { paths: ["name"] } };
      expect(await rejectedBy(agents.as(other).updateAgent(change))).toMatchObject(notFound);
    }
    await unchanged();
  });

  it("the agent is not to be deleted, with or without its etag", async () => {
    for (const etag of ["", agent?.etag ?? "", "wrong"]) {
      expect(await rejectedBy(agents.as(other).deleteAgent({ id: id(), etag }))).toMatchObject(notFound);
    }
    await unchanged();
  });

  it("its name is free", async () => {
    const theirs = await agents.as(other).createAgent({ agent: { name: "Ada", agentType: "support" } });
    expect(theirs.agent).toMatchObject({ name: "Ada", owner: other.subject });
    await unchanged();
  });

  it("the answer is the same as for an agent that does not exist", async () => {
    const missing = newId();
    const [foreign, none] = await Promise.all(
      [id(), missing].map((one) => rejectedBy(agents.as(other).getAgent({ id: one }))),
    );
    expect({ ...foreign, metadata: {} }).toEqual({ ...none, metadata: {} });
  });
});
