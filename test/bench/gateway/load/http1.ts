import { connect, type Socket } from "node:net";

/** A connection that carries one request at a time. */
export interface Lane {
  /** Asks once; `done` hears whether the answer was 200. */
  ask(done: (good: boolean) => void): void;
  close(): void;
}

const headEnd = Buffer.from("\r\n\r\n");

/** Opens a connection that sends the same bytes again and again. No more of HTTP than a bench needs. */
export function openHttp1(port: number, request: Buffer): Promise<Lane> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("connect", () => resolve(laneOf(socket, request)));
  });
}

function laneOf(socket: Socket, request: Buffer): Lane {
  let pending = Buffer.alloc(0);
  let waiting: ((good: boolean) => void) | undefined;
  const settle = (good: boolean) => {
    const done = waiting;
    waiting = undefined;
    done?.(good);
  };
  socket.on("data", (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const size = sizeOf(pending);
    if (size === undefined || pending.length < size) return;
    const good = pending.toString("latin1", 9, 12) === "200";
    pending = pending.subarray(size);
    settle(good);
  });
  socket.on("close", () => settle(false));
  socket.on("error", () => socket.destroy());
  return {
    ask(done) {
      if (socket.destroyed) return done(false);
      waiting = done;
      socket.write(request);
    },
    close: () => socket.destroy(),
  };
}

/** How many bytes the answer has; undefined while that cannot be told. */
function sizeOf(bytes: Buffer): number | undefined {
  const end = bytes.indexOf(headEnd);
  if (end < 0) return undefined;
  const head = bytes.toString("latin1", 0, end).toLowerCase();
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1];
  if (length !== undefined) return end + 4 + Number(length);
  // Chunked: complete with the last, empty chunk.
  const last = bytes.indexOf("\r\n0\r\n\r\n", end);
  return last < 0 ? undefined : last + 7;
}
