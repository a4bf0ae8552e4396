import type { Server, Socket } from "node:net";

/** Closes connections of an address that has `most` already. */
export function boundAddresses(acceptor: Server, most: number, onError: (error: Error) => void): void {
  if (most === 0) return;
  const open = new Map<string, number>();
  acceptor.on("connection", (socket: Socket) => {
    const { remoteAddress = "" } = socket;
    const count = (open.get(remoteAddress) ?? 0) + 1;
    open.set(remoteAddress, count);
    socket.once("close", () => {
      const left = (open.get(remoteAddress) ?? 1) - 1;
      if (left > 0) open.set(remoteAddress, left);
      else open.delete(remoteAddress);
    });
    if (count <= most) return;
    onError(new Error(`more than ${most} connections from ${remoteAddress}`));
    socket.destroy();
  });
}

/** The connections of a listener. */
export interface Sockets {
  readonly open: ReadonlySet<Socket>;
  /** Resolves when none is open; call it after the acceptor has stopped. */
  empty(): Promise<void>;
}

/** Keeps the connections that an acceptor has open. */
export function track(acceptor: Server): Sockets {
  const open = new Set<Socket>();
  let onEmpty = () => {};
  acceptor.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      if (open.size === 0) onEmpty();
    });
  });
  const empty = () =>
    new Promise<void>((resolve) => {
      onEmpty = resolve;
      if (open.size === 0) resolve();
    });
  return { open, empty };
}
