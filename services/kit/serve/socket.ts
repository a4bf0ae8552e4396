import type { Socket } from "node:net";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** What the first bytes of a connection announce. */
export type Protocol = "http/1.1" | "h2c";

/** What became of a new connection: its protocol, or why there is none. */
export type Peeked =
  | { readonly kind: "protocol"; readonly protocol: Protocol }
  | { readonly kind: "silent" }
  | { readonly kind: "closed"; readonly error?: Error };

/** Tells the protocol from the first bytes; undefined while they could still become HTTP/2's preface. */
export function protocolOf(bytes: Buffer): Protocol | undefined {
  const length = Math.min(bytes.length, preface.length);
  if (preface.compare(bytes, 0, length, 0, length) !== 0) return "http/1.1";
  return length === preface.length ? "h2c" : undefined;
}

/**
 * Reads the first bytes of a connection and puts them back. They may arrive one
 * by one; a peer that has not decided within `timeoutMs` is `silent`. Nothing
 * is closed here.
 */
export function peek(socket: Socket, timeoutMs: number): Promise<Peeked> {
  return new Promise((resolve) => {
    let seen: Buffer = Buffer.alloc(0);
    const onReadable = () => {
      const chunk: Buffer | null = socket.read();
      if (!chunk) return;
      seen = Buffer.concat([seen, chunk]);
      const protocol = protocolOf(seen);
      if (protocol) settle({ kind: "protocol", protocol });
    };
    const onEnd = () => settle({ kind: "closed" });
    const onError = (error: Error) => settle({ kind: "closed", error });
    const timer = setTimeout(() => settle({ kind: "silent" }), timeoutMs);
    const settle = (outcome: Peeked) => {
      clearTimeout(timer);
      socket.off("readable", onReadable).off("end", onEnd).off("close", onEnd).off("error", onError);
      if (outcome.kind === "protocol") socket.unshift(seen);
      resolve(outcome);
    };
    socket.on("readable", onReadable).on("end", onEnd).on("close", onEnd).on("error", onError);
  });
}
