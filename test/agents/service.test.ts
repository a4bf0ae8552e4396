import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../services/agents/config.js";
import { definition } from "../../services/agents/service.js";
import { configSource } from "../../services/kit/config.js";
import type { Platform } from "../../services/kit/workload.js";
import { type Agents, person, startAgents } from "./support/agents.js";

describe("configuration of agents", () => {
  it("keeps half a mebibyte of knowledge unless told otherwise", () => {
    expect(readConfig(configSource({}))).toMatchObject({ knowledgeBytes: 524_288 });
    expect(readConfig(configSource({ AGENTS_KNOWLEDGE_BYTES: "2048" }))).toMatchObject({
      knowledgeBytes: 2048,
    });
  });

  it("lets an agent be shared with a hundred unless told otherwise", () => {
    expect(readConfig(configSource({}))).toMatchObject({ sharesPerAgent: 100 });
    expect(readConfig(configSource({ AGENTS_SHARES: "5" }))).toMatchObject({ sharesPerAgent: 5 });
  });

  it("refuses a size that is none", () => {
    const source = configSource({ AGENTS_KNOWLEDGE_BYTES: "5 MB" });
    readConfig(source);
    expect(() => source.finish()).toThrow("AGENTS_KNOWLEDGE_BYTES=5 MB");
  });
});

describe("agents workload", () => {
  let agents: Agents;
  beforeAll(async () => {
    agents = await startAgents();
  });
  afterAll(() => agents.database.end());

  it("depends on its database", async () => {
    const [database] = agents.served.dependencies;
    expect(database?.name).toBe("database");
    await database?.check(AbortSignal.timeout(5000));
  });

  it("starts again on the same database and keeps what was there", async () => {
    const mine = agents.as(person());
    const { agent } = await mine.createAgent({ agent: { name: "Ada", agentType: "support" } });
    const platform = { database: async () => agents.database, peer: () => ({}) } as unknown as Platform;
    await definition.start({ knowledgeBytes: 1024, sharesPerAgent: 1 }, platform);
    expect((await mine.getAgent({ id: agent?.id ?? "" })).agent).toEqual(agent);
  });
});
