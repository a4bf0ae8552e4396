import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { natsBus } from "../../services/kit/stores/bus/nats.js";
import { busContract } from "../kit/stores/bus-contract.js";
import { selfSigned } from "../support/certificate.js";
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

  it("speaks TLS to a server that it trusts, as a user with a password, and to no other", async () => {
    const directory = await mkdtemp(join(tmpdir(), "nats-tls-"));
    const { key, cert } = await selfSigned();
    const [keyFile, certFile] = [join(directory, "key.pem"), join(directory, "cert.pem")];
    await Promise.all([writeFile(keyFile, key), writeFile(certFile, cert)]);
    const secure = await startNats(
      ["--tls", "--tlscert", certFile, "--tlskey", keyFile, "--user", "ada", "--pass", "p@ss word"],
      async (port) => {
        const bus = await natsBus({
          servers: [`tls://ada:p%40ss%20word@127.0.0.1:${port}`],
          caFile: certFile,
        });
        await untilConnected(() => bus.ping());
        await bus.close();
      },
    );
    const [trusting, doubting, nobody] = await Promise.all([
      natsBus({ servers: [`tls://ada:p%40ss%20word@127.0.0.1:${secure.port}`], caFile: certFile }),
      natsBus({ servers: [`tls://ada:p%40ss%20word@127.0.0.1:${secure.port}`] }),
      natsBus({ servers: [`tls://ada:wrong@127.0.0.1:${secure.port}`], caFile: certFile }),
    ]);
    await untilConnected(() => trusting.ping());
    await trusting.ping();
    await expect(doubting.ping()).rejects.toThrow("The event bus does not answer");
    await expect(nobody.ping()).rejects.toThrow("The event bus does not answer");
    await Promise.all([trusting, doubting, nobody].map((bus) => bus.close()));
    await secure.stop();
    await rm(directory, { recursive: true });
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
