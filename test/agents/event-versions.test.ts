import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { type Agents, person, startAgents } from "./support/agents.js";

let agents: Agents;
beforeAll(async () => {
  agents = await startAgents();
});
afterAll(() => agents.database.end());
afterEach(() => {
  vi.useRealTimers();
});

/** The outbox knows versions twice within a month alone; the agent's row sees to the rest. */
it("gives each change of an agent a version of its own, over the end of a month too", async () => {
  const ann = agents.as(person());
  const now = new Date();
  const nextMonth = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1);
  vi.useFakeTimers({ toFake: ["Date"], now: nextMonth - 1 });
  const { agent } = await ann.createAgent({ agent: { name: "a", agentType: "test" } });
  const id = agent?.id ?? "";
  const rename = (name: string) => ann.updateAgent({ agent: { id, name }, updateMask: { paths: ["name"] } });
  const before = rename("before");
  vi.setSystemTime(nextMonth + 1);
  await Promise.all([before, rename("after"), rename("later")]);
  await ann.deleteAgent({ id });

  const events = await agents.events(id);
  expect(events.map(({ version }) => Number(version))).toEqual([1, 2, 3, 4, 5]);
  const { rows } = await agents.database
    .connect()
    .then((client) =>
      client
        .query<{ months: bigint }>(
          "select count(distinct tableoid) as months from agents.outbox where aggregate_id = $1",
          [id],
        )
        .finally(() => client.release()),
    );
  expect(Number(rows[0]?.months)).toBe(2);
});
