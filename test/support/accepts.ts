import { once } from "node:events";
import { connect } from "node:net";

/** Whether somebody accepts connections at a port of this machine now. */
export async function accepts(port: number): Promise<boolean> {
  const socket = connect({ port, host: "127.0.0.1" });
  const open = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "close").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return open;
}
