import type { Socket } from "node:net";

/**
 * Timeouts of sockets that cost nothing while they are busy. node:http sets one with each request
 * and another with each answer, of which nearly none ever ends. Here it is only noted; a socket on
 * which none was set from one look to the next gets Node's own timer, which knows what rest is. So
 * one that rests is told up to two looks later, and never too early. Returns what is done to sockets.
 */
export function lazyTimeouts(lookMs: number): (socket: Socket) => void {
  const noted = new Set<LazyTimeout>();
  let looking = false;
  const lookLater = () => void setTimeout(look, lookMs).unref();
  const look = () => {
    for (const one of noted) if (one.look()) noted.delete(one);
    looking = noted.size > 0;
    if (looking) lookLater();
  };
  const note = (one: LazyTimeout) => {
    noted.add(one);
    if (!looking) lookLater();
    looking = true;
  };
  return (socket) => {
    const timeout = new LazyTimeout(socket, note);
    socket.setTimeout = (milliseconds, callback) => {
      if (callback) socket.once("timeout", callback);
      timeout.set(milliseconds);
      return socket;
    };
  };
}

class LazyTimeout {
  readonly #socket: Socket;
  readonly #native: Socket["setTimeout"];
  readonly #note: (one: LazyTimeout) => void;
  #milliseconds = 0;
  /** Whether somebody will look. */
  #noted = false;
  /** Whether it was set since the last look. */
  #recent = false;
  /** Whether Node's timer runs. */
  #running = false;

  constructor(socket: Socket, note: (one: LazyTimeout) => void) {
    this.#socket = socket;
    this.#native = socket.setTimeout;
    this.#note = note;
  }

  set(milliseconds: number): void {
    this.#milliseconds = milliseconds;
    this.#recent = true;
    if (this.#running) this.#run(0);
    if (this.#noted) return;
    this.#noted = true;
    this.#note(this);
  }

  /** Whether nobody need look again until it is set. */
  look(): boolean {
    if (this.#recent && !this.#socket.destroyed) {
      this.#recent = false;
      return false;
    }
    this.#noted = false;
    if (!this.#socket.destroyed) this.#run(this.#milliseconds);
    return true;
  }

  #run(milliseconds: number): void {
    this.#running = milliseconds > 0;
    this.#native.call(this.#socket, milliseconds);
  }
}
