import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** A TCP proxy in front of a server, which slows it down on demand. */
export interface DelayProxy {
  readonly port: number;
  /** Holds every piece for so many milliseconds from now on, in both directions. */
  delay(milliseconds: number): void;
  close(): Promise<void>;
}

/** Starts a proxy to a port of this machine. */
export async function startDelayProxy(upstream: number): Promise<DelayProxy> {
  let held = 0;
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (downstream) => {
    const up = connect({ port: upstream, host: "127.0.0.1", noDelay: true });
    for (const [from, to] of [
      [downstream, up],
      [up, downstream],
    ] as const) {
      sockets.add(from);
      forward(from, to, () => held);
      from.on("error", () => undefined);
      from.once("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    delay(milliseconds) {
      held = milliseconds;
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Pieces keep their order, also when the delay shrinks between them. */
function forward(from: Socket, to: Socket, held: () => number): void {
  let last = 0;
  const after = (act: () => void) => {
    last = Math.max(last, performance.now() + held());
    const wait = last - performance.now();
    if (wait <= 0) act();
    else setTimeout(act, wait);
  };
  from.on("data", (chunk) => after(() => to.writable && to.write(chunk)));
  from.on("end", () => after(() => to.end()));
}
