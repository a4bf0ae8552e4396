import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentStatus } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { newId } from "../../../services/kit/ids.js";
import { rejectedBy } from "../../support/expect-reason.js";
import { type Agents, type AgentsOf, person, startAgents } from "../support/agents.js";

let agents: Agents;
beforeAll(async () => {
  agents = await startAgents();
});
afterAll(() => agents.database.end());

const invalidToken = { code: "InvalidArgument", reason: "PAGE_TOKEN_INVALID", metadata: {} };

async function make(mine: AgentsOf, name: string, status = AgentStatus.INACTIVE): Promise<string> {
  const knowledge = [{ title: "Hours", text: "Open at nine." }];
  const { agent } = await mine.createAgent({ agent: { name, agentType: "support", knowledge, status } });
  return agent?.id ?? "";
}

/** Adds rows straight into the table, for the tests that need many. */
async function fill(owner: string, count: number): Promise<void> {
  const now = new Date();
  const row = (i: number) => ({
    tenant_id: "default",
    id: newId(),
    owner,
    name: `agent ${i}`,
    description: "",
    agent_type: "support",
    configuration: "{}",
    knowledge: "[]",
    status: "inactive",
    create_time: now,
    update_time: now,
  });
  await agents.db
    .insertInto("agents")
    .values(Array.from({ length: count }, (_, i) => row(i)))
    .execute();
}

describe("ListAgents", () => {
  it("lists the newest first, without knowledge", async () => {
    const mine = agents.as(person());
    const ids = [await make(mine, "a"), await make(mine, "b"), await make(mine, "c")];
    const { agents: listed, nextPageToken } = await mine.listAgents({});
    expect(listed.map(({ id }) => id)).toEqual(ids.reverse());
    expect(listed.flatMap(({ knowledge }) => knowledge)).toEqual([]);
    expect(nextPageToken).toBe("");
  });

  it("answers an empty page to whoever has none", async () => {
    expect(await agents.as(person()).listAgents({})).toMatchObject({ agents: [], nextPageToken: "" });
  });

  it("lists those of one status", async () => {
    const mine = agents.as(person());
    await make(mine, "a");
    const active = await make(mine, "b", AgentStatus.ACTIVE);
    const listed = await mine.listAgents({ status: AgentStatus.ACTIVE });
    expect(listed.agents.map(({ id }) => id)).toEqual([active]);
  });

  it("gives pages of 50 unless asked otherwise, and of 200 at most", async () => {
    const owner = person();
    await fill(owner.subject, 201);
    const mine = agents.as(owner);
    expect((await mine.listAgents({})).agents).toHaveLength(50);
    expect((await mine.listAgents({ pageSize: 1000 })).agents).toHaveLength(200);
    expect((await mine.listAgents({ pageSize: 7 })).agents).toHaveLength(7);
  });

  it("gives no token with a last page that is full", async () => {
    const mine = agents.as(person());
    await make(mine, "a");
    await make(mine, "b");
    expect((await mine.listAgents({ pageSize: 2 })).nextPageToken).toBe("");
  });

  it("gives each agent once and in order, whatever the page sizes and what is made meanwhile", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(
      fc.integer({ min: 0, max: 12 }),
      sizes,
      fc.nat(2),
      async (count, cycle, more) => {
        const owner = person();
        const mine = agents.as(owner);
        if (count > 0) await fill(owner.subject, count);
        const before = (await mine.listAgents({ pageSize: 200 })).agents.map(({ id }) => id);
        const seen: string[] = [];
        let pageToken = "";
        for (let page = 0; page === 0 || (pageToken !== "" && page <= count); page++) {
          const pageSize = cycle[page % cycle.length] ?? 1;
          const reply = await mine.listAgents({ pageSize, pageToken });
          expect(reply.agents.length).toBeLessThanOrEqual(pageSize);
          seen.push(...reply.agents.map(({ id }) => id));
          pageToken = reply.nextPageToken;
          for (let i = 0; i < more; i++) await make(mine, `new ${page}-${i}`);
        }
        expect(seen).toEqual(before);
      },
    );
    await fc.assert(property, { numRuns: 15 });
  });
});

describe("page token of ListAgents", () => {
  it("goes on behind an agent that was deleted meanwhile", async () => {
    const mine = agents.as(person());
    const [first, second] = [await make(mine, "a"), await make(mine, "b")];
    const { nextPageToken } = await mine.listAgents({ pageSize: 1 });
    await mine.deleteAgent({ id: second });
    const next = await mine.listAgents({ pageSize: 1, pageToken: nextPageToken });
    expect(next.agents.map(({ id }) => id)).toEqual([first]);
  });

  it("is refused when malformed", async () => {
    const refused = await rejectedBy(agents.as(person()).listAgents({ pageToken: "nonsense" }));
    expect(refused).toEqual(invalidToken);
  });

  it("is refused with another status and by another principal, and admitted with another size", async () => {
    const owner = person();
    await fill(owner.subject, 3);
    const mine = agents.as(owner);
    const { nextPageToken: pageToken } = await mine.listAgents({ pageSize: 1 });
    expect((await mine.listAgents({ pageToken, pageSize: 2 })).agents).toHaveLength(2);
    expect(await rejectedBy(mine.listAgents({ pageToken, status: AgentStatus.INACTIVE }))).toEqual(
      invalidToken,
    );
    for (const other of [person(), person("other", owner.subject)]) {
      expect(await rejectedBy(agents.as(other).listAgents({ pageToken }))).toEqual(invalidToken);
    }
  });
});
