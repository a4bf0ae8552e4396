import { afterAll, beforeAll, describe } from "vitest";
import { natsBus } from "../../services/kit/stores/bus/nats.js";
import { busContract } from "../kit/stores/bus-contract.js";
import { natsInstalled, startNats } from "./servers/nats.js";
import type { Server } from "./servers/server.js";

describe.skipIf(!natsInstalled)("against a real server", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startNats();
  });
  afterAll(() => server?.stop());

  busContract("over NATS JetStream", async () => {
    const bus = await natsBus({ servers: [`nats://127.0.0.1:${server.port}`], publishMs: 2_000 });
    await untilConnected(() => bus.ping());
    return bus;
  });
});

async function untilConnected(ping: () => Promise<void>): Promise<void> {
  for (let left = 100; left > 0; left--) {
    const connected = await ping().then(
      () => true,
      () => false,
    );
    if (connected) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
