import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import pg from "pg";

/** A connection whose socket can be cut, since a hung server answers no other way of ending it. */
export class PostgresConnection extends pg.Client {
  readonly #socket: Socket;
  #lost = false;

  constructor(config: pg.ClientConfig = {}) {
    const socket = new Socket();
    // Before pg listens itself, so that it is known to be lost when statements fail of it.
    for (const event of ["error", "end", "close"]) {
      socket.once(event, () => {
        this.#lost = true;
      });
    }
    // The pool hides the password from enumeration, and so from a spread.
    super({ ...config, password: config.password, stream: () => socket });
    this.#socket = socket;
    // A server that ends the connection says so before it closes it, and pg sends nothing after
    // that. Unheard, the event would end the process.
    this.on("error", () => {
      this.#lost = true;
    });
  }

  /** Whether the connection is gone, or takes no statement any more. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Hands what `send` writes to the system in one piece, so that the server wakes up once for it. */
  together<R>(send: () => R): R {
    // Behind TLS it is not the socket that pg writes to.
    const { stream } = (this as unknown as { readonly connection: { readonly stream: Duplex } }).connection;
    stream.cork();
    try {
      return send();
    } finally {
      stream.uncork();
    }
  }

  /** Ends the connection without asking the server. */
  cut(): void {
    this.#socket.destroy(new Error("the connection was cut since the server does not answer"));
  }
}
