import type { OutgoingHttpHeaders, SecureClientSessionOptions } from "node:http2";
import { sharedTimers, type Timer } from "../timers.js";
import type { Connect, SessionLimits, WireConnection, WireListener, WireStream } from "./wire-connection.js";

/** Who wants to hear of a session. */
export interface SessionOwner {
  /** It may take another call. */
  onFree(session: WireSession): void;
  /** It takes no call any more; `error` when it failed, rather than was asked to end. */
  onEnded(session: WireSession, error: Error | undefined): void;
}

/** What a session is made of. */
export interface SessionOptions {
  readonly connect: Connect;
  readonly limits: SessionLimits;
  readonly owner: SessionOwner;
  /** Certificates, for addresses that are `https`. */
  readonly secure?: SecureClientSessionOptions | undefined;
}

/** `ready` takes calls; `waiting` may in a moment; `leaving` finishes those that it has. */
type State = "waiting" | "ready" | "leaving" | "ended";

/** One HTTP/2 connection to one address, from its beginning to its end, with the calls on it. */
export class WireSession {
  readonly #connection: WireConnection;
  readonly #limits: SessionLimits;
  readonly #owner: SessionOwner;
  #state: State = "waiting";
  #active = 0;
  #stood = false;
  #granted = Number.POSITIVE_INFINITY;
  #heardAt = performance.now();
  #patience: Timer | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(origin: string, { connect, limits, owner, secure }: SessionOptions) {
    this.#limits = limits;
    this.#owner = owner;
    this.#patience = sharedTimers.start(limits.connectMs, () =>
      this.#giveUp("no connection within the limit"),
    );
    this.#connection = connect(origin, {
      limits,
      secure,
      owner: {
        onConnected: () => this.#begin(),
        onHeard: () => this.#heard(),
        onGranted: (calls) => {
          this.#granted = calls;
          this.#tellFree();
        },
        onReleased: () => this.#release(),
        onFree: () => this.#tellFree(),
        onLeaving: () => this.#leave(),
        onClosed: (error) => this.#end(error),
      },
    });
  }

  /** How many more calls it takes now. */
  get room(): number {
    if (this.#state !== "ready" || !this.#connection.accepts) return 0;
    return Math.min(this.#limits.streams, this.#granted) - this.#active;
  }

  get active(): number {
    return this.#active;
  }

  /** Whether calls may wait for it. */
  get waiting(): boolean {
    return this.#state === "waiting";
  }

  /** Whether the server ever took the connection. */
  get stood(): boolean {
    return this.#stood;
  }

  /**
   * Asks a connection that rested whether it still stands, before a call is
   * entrusted to it. False when it has to answer first.
   */
  verified(): boolean {
    const { pingIntervalMs } = this.#limits;
    if (this.#active > 0 || performance.now() - this.#heardAt < pingIntervalMs) return true;
    this.#state = "waiting";
    this.#connection.ref();
    this.#ping();
    return false;
  }

  /** Begins a call, as `WireConnection` has it. */
  begin(headers: OutgoingHttpHeaders, frame: Uint8Array, listener: WireListener): WireStream {
    const stream = this.#connection.begin(headers, frame, listener);
    this.#active += 1;
    if (this.#active === 1) this.#connection.ref();
    return stream;
  }

  /** Takes no more calls, and ends with the last. */
  close(): void {
    if (this.#state === "waiting") this.#connection.destroy();
    else this.#connection.close();
  }

  #heard(): void {
    this.#heardAt = performance.now();
  }

  #release(): void {
    this.#active -= 1;
    this.#heard();
    if (this.#active === 0 && this.#state !== "ended") this.#connection.unref();
    this.#tellFree();
  }

  #begin(): void {
    this.#stood = true;
    this.#connection.unref();
    this.#watch = setInterval(() => this.#look(), this.#limits.pingIntervalMs).unref();
    this.#stand();
  }

  #stand(): void {
    this.#patience?.stop();
    this.#patience = undefined;
    this.#heard();
    if (this.#active === 0) this.#connection.unref();
    if (this.#state === "waiting") this.#state = "ready";
    this.#tellFree();
  }

  #look(): void {
    const silence = performance.now() - this.#heardAt;
    if (this.#active > 0 && silence >= this.#limits.pingIntervalMs) this.#ping();
    else if (this.#active === 0 && silence >= this.#limits.idleMs) this.#connection.close();
  }

  #ping(): void {
    if (this.#patience) return;
    const patience = sharedTimers.start(this.#limits.pingTimeoutMs, () =>
      // A process that stood still for as long has not read yet what came meanwhile.
      setImmediate(() => {
        if (this.#patience === patience) this.#giveUp("no answer to a ping");
      }),
    );
    this.#patience = patience;
    this.#connection.ping(() => this.#stand());
  }

  #giveUp(why: string): void {
    this.#connection.destroy(Object.assign(new Error(why), { code: "ETIMEDOUT" }));
  }

  #leave(): void {
    if (this.#state === "ended" || this.#state === "leaving") return;
    this.#state = "leaving";
    this.#owner.onEnded(this, undefined);
  }

  #end(error: Error | undefined): void {
    this.#patience?.stop();
    clearInterval(this.#watch);
    const told = this.#state === "leaving";
    this.#state = "ended";
    if (!told) this.#owner.onEnded(this, error);
  }

  #tellFree(): void {
    if (this.room > 0) this.#owner.onFree(this);
  }
}
