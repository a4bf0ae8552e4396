import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAnswerCache } from "../../services/engine/answer-cache.js";
import { createPipeline } from "../../services/engine/domain/pipeline.js";
import { agentGroup } from "../../services/engine/known-agents.js";
import { policiesGroup } from "../../services/engine/policies.js";
import { systemClock } from "../../services/kit/clock.js";
import { newId } from "../../services/kit/ids.js";
import type { Cache } from "../../services/kit/stores/cache/port.js";
import { redisCache } from "../../services/kit/stores/cache/redis.js";
import { redisClient } from "../../services/kit/stores/redis.js";
import { never, pipelineDeps, pipelineRequest, responder } from "../engine/fixture.js";
import { recordedMetrics } from "../kit/chain/calls.js";
import { until } from "../support/until.js";
import { redisInstalled, startRedis } from "./servers/redis.js";
import type { Server } from "./servers/server.js";

const tenant = "default";

describe.skipIf(!redisInstalled)("answers of replicas that share a Redis", () => {
  let server: Server;
  const caches: Cache[] = [];
  beforeAll(async () => {
    server = await startRedis();
    for (let replica = 0; replica < 2; replica += 1) caches.push(await openCache(server.port));
  });
  afterAll(async () => {
    for (const cache of caches) await cache.close();
    await server?.stop();
  });

  /** Decides at one replica; resolves to the decision for which the answer was composed, empty for itself. */
  const askAt = async (replica: number, agentId: string) => {
    const cache = caches[replica] as Cache;
    const { metrics } = recordedMetrics();
    const answers = createAnswerCache({ platform: { cache, hears: () => true, metrics }, depends: "" });
    const composer = { id: "llm", compose: () => ({ composed: true as const, content: "Good morning." }) };
    const request = {
      ...pipelineRequest({ input: "Say good morning." }),
      decisionId: newId(),
      tenant,
      responder: responder("Lamps.", {
        agentId,
        composer,
        grounded: false,
        reuse: { agentVersion: "1", maxAgeMs: 60_000 },
      }),
    };
    const knownAnswers = answers.of(request);
    const decision = await createPipeline(pipelineDeps())({ ...request, knownAnswers }, never);
    knownAnswers?.keep(decision);
    return decision;
  };
  /** Resolves to the decision whose answer both give. A write may come later than the next question. */
  const givenByBoth = (agentId: string) =>
    until(async () => {
      const [one, other] = [await askAt(0, agentId), await askAt(1, agentId)];
      return one.cachedFrom === other.cachedFrom ? one.cachedFrom : "";
    });

  it.each([
    ["the agent", agentGroup],
    ["a policy", () => policiesGroup],
  ])("are given by both until %s changes, of which one of them hears", async (_, groupOf) => {
    const agentId = newId();
    const before = await givenByBoth(agentId);
    await caches[0]?.invalidate({ tenant, group: groupOf(agentId) });
    expect(await askAt(1, agentId)).toMatchObject({ cached: false });
    expect(await givenByBoth(agentId)).not.toBe(before);
  });

  it("are composed by both while it is away", async () => {
    const agentId = newId();
    await givenByBoth(agentId);
    await server.stop();
    expect(await askAt(1, agentId)).toMatchObject({ content: "Good morning.", cached: false });
  });
});

async function openCache(port: number): Promise<Cache> {
  const client = await redisClient({ url: `redis://127.0.0.1:${port}/0` });
  const cache = redisCache({ client, clock: systemClock });
  await until(() =>
    cache.ping().then(
      () => true,
      () => false,
    ),
  );
  return cache;
}
