import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expectWhole } from "./deployment/audit.js";
import { createClients } from "./deployment/clients.js";
import type { Ledger } from "./deployment/ledger.js";
import {
  platformInstalled,
  type ReplicatedPlatform,
  report,
  startReplicatedPlatform,
} from "./deployment/platform.js";
import { startWriters } from "./deployment/writers.js";
import { until } from "./servers/process-tree.js";

const rounds = 10;
const writesWanted = 2_000;

describe.skipIf(!platformInstalled)("two replicas of every service", () => {
  let platform: ReplicatedPlatform;
  beforeAll(async () => {
    platform = await startReplicatedPlatform();
  });
  afterAll(() => platform?.stop());

  it("lose nothing that was acknowledged and do nothing twice, whichever process is killed amid writes", async () => {
    const { deployment, servers, ledger, token } = platform;
    const { send } = createClients(deployment.gateways, token);
    const start = performance.now();
    const writers = startWriters({ send, ledger, concurrency: 12 });
    try {
      for (let round = 0; round < rounds; round++) {
        const written = (part: number) => acknowledged(ledger, ((round + part) / rounds) * writesWanted);
        const replica = deployment.replicas[round % deployment.replicas.length];
        const server = servers.all[round % servers.all.length];
        await written(1 / 3);
        await replica?.kill();
        const [restarted] = await Promise.allSettled([replica?.start(), written(2 / 3)]);
        expect(restarted.status).toBe("fulfilled");
        await server?.kill();
        await server?.start();
        await written(1);
      }
    } finally {
      await writers.stop();
    }
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    const counts = ["acknowledged", "unknown", "refused"].map(
      (told) => `${ledger.writes.filter((write) => write.told === told).length} ${told}`,
    );
    report(
      `crash: ${ledger.writes.length} writes in ${seconds} s over ${2 * rounds} kills: ${counts.join(", ")}`,
    );
    await expectWhole(platform);
  }, 300_000);
});

function acknowledged(ledger: Ledger, count: number): Promise<void> {
  const why = () => `${ledger.count("acknowledged")} acknowledged, ${count} wanted`;
  return until(() => ledger.count("acknowledged") >= count, { ms: 60_000, why });
}
