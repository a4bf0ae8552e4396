import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { PostgresConnection } from "../../../../services/kit/stores/database/postgres-socket.js";

function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const authenticationOk = message("R", Buffer.alloc(4));
const readyForQuery = message("Z", Buffer.from("I"));
const terminated = message("E", Buffer.from("SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"));

const server = createServer();

/** A connection to a server that lets anyone in, and the server's end of it. */
async function connect(): Promise<{ client: PostgresConnection; backend: Socket }> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = new PostgresConnection({ host: "127.0.0.1", port, user: "anyone", database: "any" });
  const accepted = once(server, "connection").then(async ([socket]: Socket[]) => {
    if (!socket) throw new Error("no connection came");
    await once(socket, "data");
    socket.write(Buffer.concat([authenticationOk, readyForQuery]));
    return socket;
  });
  const [backend] = await Promise.all([accepted, client.connect()]);
  return { client, backend };
}

describe("a connection to PostgreSQL", () => {
  afterEach(() => {
    server.close();
  });

  it("is lost once the server told its end, though the socket is still open", async () => {
    const { client, backend } = await connect();
    expect(client.lost).toBe(false);
    const told = once(client, "error");
    backend.write(terminated);
    await told;
    expect(client.lost).toBe(true);
    expect(backend.destroyed).toBe(false);
    backend.destroy();
  });

  it("is lost once it was cut", async () => {
    const { client, backend } = await connect();
    const ended = once(backend, "close");
    backend.resume();
    client.cut();
    await ended;
    expect(client.lost).toBe(true);
  });
});
