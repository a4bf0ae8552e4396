import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Agent, AgentRole } from "#gen/ts/consciousness/agents/v1/agent_pb.js";
import { Permission } from "#gen/ts/consciousness/contract/v1/permission_pb.js";
import type { Principal } from "../../services/kit/context.js";
import { newId } from "../../services/kit/ids.js";
import { rejectedBy } from "../support/expect-reason.js";
import { type Agents, person, startAgents } from "./support/agents.js";

const { VIEWER, EDITOR, OWNER, ADMIN } = AgentRole;
const notFound = { code: "NotFound", reason: "AGENT_NOT_FOUND" };
const insufficient = (role: string) => ({
  code: "PermissionDenied",
  reason: "OBJECT_ROLE_INSUFFICIENT",
  metadata: { role: `AGENT_ROLE_${role}` },
});

let agents: Agents;
let owner: Principal;
let other: Principal;
let agent: Agent;

beforeAll(async () => {
  agents = await startAgents({ sharesPerAgent: 3 });
});
afterAll(() => agents.database.end());
beforeEach(async () => {
  const tenant = `tenant-${newId()}`;
  owner = agents.known(person(tenant));
  other = agents.known(person(tenant));
  const knowledge = [{ title: "Hours", text: "Open at nine." }];
  const made = await agents
    .as(owner)
    .createAgent({ agent: { name: "Ada", agentType: "support", knowledge } });
  agent = made.agent!;
});

const share = (role: AgentRole, subject = other.subject, by = owner) =>
  agents.as(by).shareAgent({ id: agent.id, subject, role });
const unshare = (by = owner) => agents.as(by).unshareAgent({ id: agent.id, subject: other.subject });
const rename = (by: Principal) =>
  agents.as(by).updateAgent({ agent: { id: agent.id, name: "Bea" }, updateMask: { paths: ["name"] } });
const listed = async (by: Principal) => (await agents.as(by).listAgents({})).agents;

describe("who has nothing on an agent", () => {
  it("finds none to read, change, delete, share, or see the shares of", async () => {
    const theirs = agents.as(other);
    const { id } = agent;
    const attempts = [
      theirs.getAgent({ id }),
      rename(other),
      theirs.deleteAgent({ id }),
      share(VIEWER, owner.subject, other),
      unshare(other),
      theirs.listAgentShares({ id }),
    ];
    for (const attempt of attempts) expect(await rejectedBy(attempt)).toMatchObject(notFound);
    expect(await listed(other)).toEqual([]);
  });
});

describe("a viewer", () => {
  beforeEach(() => share(VIEWER));

  it("reads the agent with its knowledge, and lists it with the role", async () => {
    const read = await agents.as(other).getAgent({ id: agent.id });
    expect(read.agent).toMatchObject({ id: agent.id, owner: owner.subject, role: VIEWER });
    expect(read.agent?.knowledge).toHaveLength(1);
    expect(await listed(other)).toMatchObject([{ id: agent.id, role: VIEWER }]);
  });

  it("may not change it", async () => {
    expect(await rejectedBy(rename(other))).toMatchObject(insufficient("EDITOR"));
  });

  it("may not delete it, share it, or see with whom it is shared", async () => {
    const theirs = agents.as(other);
    const { id } = agent;
    const attempts = [
      theirs.deleteAgent({ id }),
      share(EDITOR, other.subject, other),
      unshare(other),
      theirs.listAgentShares({ id }),
    ];
    for (const attempt of attempts) expect(await rejectedBy(attempt)).toMatchObject(insufficient("OWNER"));
  });
});

describe("an editor", () => {
  beforeEach(() => share(EDITOR));

  it("changes the agent, which stays its owner's", async () => {
    expect((await rename(other)).agent).toMatchObject({ name: "Bea", owner: owner.subject, role: EDITOR });
    expect((await agents.as(owner).getAgent({ id: agent.id })).agent).toMatchObject({
      name: "Bea",
      role: OWNER,
    });
  });

  it("may not delete or share it", async () => {
    const attempts = [agents.as(other).deleteAgent({ id: agent.id }), share(EDITOR, newId(), other)];
    for (const attempt of attempts) expect(await rejectedBy(attempt)).toMatchObject(insufficient("OWNER"));
  });

  it("becomes a viewer when the owner says so", async () => {
    await share(VIEWER);
    expect(await rejectedBy(rename(other))).toMatchObject(insufficient("EDITOR"));
  });
});

describe("an administrator of agents", () => {
  const admin = (tenant: string) => ({ ...person(tenant), permissions: new Set([Permission.AGENT_ADMIN]) });

  it("lists, changes, shares and deletes every agent of the tenant", async () => {
    const anybody = admin(owner.tenant);
    expect(await listed(anybody)).toMatchObject([{ id: agent.id, role: ADMIN }]);
    expect((await rename(anybody)).agent).toMatchObject({ name: "Bea", role: ADMIN });
    await share(VIEWER, other.subject, anybody);
    await agents.as(anybody).deleteAgent({ id: agent.id });
    expect(await rejectedBy(agents.as(owner).getAgent({ id: agent.id }))).toMatchObject(notFound);
  });

  it("finds none of another tenant's", async () => {
    const stranger = admin("another-tenant");
    expect(await listed(stranger)).toEqual([]);
    expect(await rejectedBy(rename(stranger))).toMatchObject(notFound);
    expect(await rejectedBy(share(VIEWER, other.subject, stranger))).toMatchObject(notFound);
  });
});

describe("a share", () => {
  it("is listed with who shared it", async () => {
    await share(EDITOR);
    const { shares } = await agents.as(owner).listAgentShares({ id: agent.id });
    expect(shares).toMatchObject([{ subject: other.subject, role: EDITOR, sharedBy: owner.subject }]);
  });

  it("ends when it is withdrawn, which cannot be done twice", async () => {
    await share(EDITOR);
    await unshare();
    expect(await rejectedBy(agents.as(other).getAgent({ id: agent.id }))).toMatchObject(notFound);
    expect(await listed(other)).toEqual([]);
    const again = { code: "NotFound", reason: "SHARE_NOT_FOUND" };
    expect(await rejectedBy(unshare())).toMatchObject(again);
  });

  it("ends with its agent", async () => {
    await share(VIEWER);
    await agents.as(owner).deleteAgent({ id: agent.id });
    const rows = await agents.db
      .selectFrom("agent_shares")
      .where("agent_id", "=", agent.id)
      .selectAll()
      .execute();
    expect(rows).toEqual([]);
  });

  it("is refused with an account that does not exist in the tenant", async () => {
    const unknown = { code: "NotFound", reason: "SUBJECT_NOT_FOUND" };
    const elsewhere = agents.known(person("another-tenant"));
    for (const subject of [newId(), elsewhere.subject]) {
      expect(await rejectedBy(share(VIEWER, subject))).toMatchObject(unknown);
    }
  });

  it("tells who may not share nothing of accounts", async () => {
    expect(await rejectedBy(share(VIEWER, newId(), other))).toMatchObject(notFound);
  });

  it("is refused with the owner", async () => {
    const own = { code: "FailedPrecondition", reason: "SHARE_WITH_OWNER" };
    expect(await rejectedBy(share(VIEWER, owner.subject))).toMatchObject(own);
  });

  it("is refused beyond the most that an agent may have, where a change of role is not", async () => {
    const three = [other, agents.known(person(owner.tenant)), agents.known(person(owner.tenant))];
    for (const { subject } of three) await share(VIEWER, subject);
    const fourth = agents.known(person(owner.tenant));
    const exhausted = { code: "FailedPrecondition", reason: "SHARES_EXHAUSTED" };
    expect(await rejectedBy(share(VIEWER, fourth.subject))).toMatchObject(exhausted);
    expect((await share(EDITOR)).share).toMatchObject({ role: EDITOR });
  });

  it("is an event and the agent's next version, with which copies of the agent end", async () => {
    await share(VIEWER);
    await share(EDITOR);
    await share(EDITOR);
    await unshare();
    const events = await agents.events(agent.id);
    expect(events.map(({ version, payload }) => [version, payload?.typeUrl.split(".").at(-1)])).toEqual([
      [1n, "AgentCreated"],
      [2n, "AgentShared"],
      [3n, "AgentShared"],
      [4n, "AgentUnshared"],
    ]);
    expect((await agents.as(owner).getAgent({ id: agent.id })).agent?.etag).not.toBe(agent.etag);
  });

  it("is not made when its event cannot be", async () => {
    await agents.withoutEvents(async () => {
      await expect(share(VIEWER)).rejects.toThrow();
    });
    expect(await rejectedBy(agents.as(other).getAgent({ id: agent.id }))).toMatchObject(notFound);
  });

  it("gives pages that hold one's own and shared agents together, newest first", async () => {
    await share(VIEWER);
    const mine = await agents.as(other).createAgent({ agent: { name: "Mine", agentType: "support" } });
    const first = await agents.as(other).listAgents({ pageSize: 1 });
    expect(first.agents).toMatchObject([{ id: mine.agent?.id, role: OWNER }]);
    const second = await agents.as(other).listAgents({ pageSize: 1, pageToken: first.nextPageToken });
    expect(second.agents).toMatchObject([{ id: agent.id, role: VIEWER }]);
    expect(second.nextPageToken).toBe("");
  });
});
