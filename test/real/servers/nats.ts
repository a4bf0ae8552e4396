import { connect } from "nats";
import { installed, type Server, startServer } from "./server.js";

/** The program; `NATS_SERVER` names another version. */
const command = process.env.NATS_SERVER ?? "nats-server";

export const natsInstalled = installed(command);

/** A NATS server with JetStream on files, and what more is asked for. */
export function startNats(more: readonly string[] = [], ready = answers): Promise<Server> {
  return startServer({
    command,
    arguments: (port, directory) => ["-a", "127.0.0.1", "-p", `${port}`, "-js", "-sd", directory, ...more],
    ready,
  });
}

async function answers(port: number): Promise<void> {
  const connection = await connect({ port, timeout: 1_000, reconnect: false });
  const manager = await connection.jetstreamManager();
  await manager.getAccountInfo();
  await connection.close();
}
