import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startAsking } from "./deployment/asking.js";
import { expectWhole } from "./deployment/audit.js";
import { createClients } from "./deployment/clients.js";
import {
  platformInstalled,
  type ReplicatedPlatform,
  report,
  startReplicatedPlatform,
} from "./deployment/platform.js";
import { startWriters } from "./deployment/writers.js";
import { until } from "./servers/process-tree.js";

describe.skipIf(!platformInstalled)("a rolling restart of every service", () => {
  let platform: ReplicatedPlatform;
  beforeAll(async () => {
    platform = await startReplicatedPlatform();
  });
  afterAll(() => platform?.stop());

  it("fails no call of an idempotent method and executes none twice", async () => {
    const { deployment, ledger, token } = platform;
    const clients = createClients(deployment.gateways, token);
    const asking = await startAsking({ clients, ledger, concurrency: 6, pauseMs: 50 });
    const writers = startWriters({ send: clients.send, ledger, concurrency: 2, paceMs: 250 });
    const start = performance.now();
    const failed: string[] = [];
    try {
      for (const replica of deployment.replicas) {
        expect([replica.name, await replica.stop()]).toEqual([replica.name, 0]);
        await replica.start();
        // As a rolling update waits between two replicas, here until the new one has had its share of calls.
        const before = asking.answered();
        await until(() => asking.answered() >= before + 50);
      }
    } finally {
      failed.push(...(await asking.stop()));
      await writers.stop();
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const answered = asking.answered();
    report(
      `rolling restart: ${deployment.replicas.length} replicas in ${seconds} s; of ${answered} idempotent calls ${failed.length} failed and ${clients.repeated()} went to a second gateway; of ${ledger.writes.length} writes ${ledger.count("unknown")} were left open`,
    );
    expect(failed).toEqual([]);
    await expectWhole(platform);
  }, 300_000);
});
