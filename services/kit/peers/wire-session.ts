import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { sharedTimers, type Timer } from "../timers.js";
import { cut } from "./wire-errors.js";

/** What one connection to a server may do. Durations are in milliseconds. */
export interface SessionLimits {
  /** Until a connection stands. */
  readonly connectMs: number;
  /** Silence after which a connection is asked whether it stands. */
  readonly pingIntervalMs: number;
  /** How long it may take to say so. */
  readonly pingTimeoutMs: number;
  /** How long a connection stays without calls. */
  readonly idleMs: number;
  /** Calls at once on one connection, where the server does not allow fewer. */
  readonly streams: number;
  /** Bytes that a server may send on one stream, or on all, before they have been read. */
  readonly streamWindowBytes: number;
  readonly sessionWindowBytes: number;
}

/** Who wants to hear of a session. */
export interface SessionOwner {
  /** It may take another call. */
  onFree(session: WireSession): void;
  /** It takes no call any more; `error` when it failed, rather than was asked to end. */
  onEnded(session: WireSession, error: Error | undefined): void;
}

/** What a session is made of. */
export interface SessionOptions {
  readonly limits: SessionLimits;
  readonly owner: SessionOwner;
  /** Certificates, for addresses that are `https`. */
  readonly secure?: SecureClientSessionOptions | undefined;
}

/** `ready` takes calls; `waiting` may in a moment; `leaving` finishes those that it has. */
type State = "waiting" | "ready" | "leaving" | "ended";

/** One HTTP/2 connection to one address. */
export class WireSession {
  readonly #session: ClientHttp2Session;
  readonly #limits: SessionLimits;
  readonly #owner: SessionOwner;
  #state: State = "waiting";
  #failure: Error | undefined;
  #active = 0;
  #stood = false;
  #granted = Number.POSITIVE_INFINITY;
  #heardAt = performance.now();
  #patience: Timer | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(authority: string, { limits, owner, secure }: SessionOptions) {
    this.#limits = limits;
    this.#owner = owner;
    this.#session = connect(authority, {
      ...secure,
      settings: { enablePush: false, initialWindowSize: limits.streamWindowBytes },
      // The least that RFC 9113 recommends, until the server says otherwise.
      peerMaxConcurrentStreams: 100,
    });
    this.#patience = sharedTimers.start(limits.connectMs, () =>
      this.#giveUp("no connection within the limit"),
    );
    this.#session.once("connect", () => this.#begin());
    this.#session.on("goaway", () => this.#leave());
    this.#session.on("error", (error: Error) => {
      this.#failure ??= error;
    });
    this.#session.once("close", () => this.#end());
    this.#session.on("remoteSettings", ({ maxConcurrentStreams }) => {
      this.#granted = maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
      this.#tellFree();
    });
  }

  /** How many more calls it takes now. */
  get room(): number {
    // A session that is destroyed tells of it later, and Node 24 lets calls begin on it until then.
    if (this.#state !== "ready" || this.#session.closed || this.#session.destroyed) return 0;
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

  /** Why it ended, as far as anything says so. */
  get failure(): Error {
    return this.#failure ?? cut("the connection was cut");
  }

  /**
   * Asks a connection that rested whether it still stands, before a call is
   * entrusted to it. False when it has to answer first.
   */
  verified(): boolean {
    const { pingIntervalMs } = this.#limits;
    if (this.#active > 0 || performance.now() - this.#heardAt < pingIntervalMs) return true;
    this.#state = "waiting";
    this.#session.ref();
    this.#ping();
    return false;
  }

  /** Begins a call. Throws when the session has just ended. */
  request(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      const stream = this.#session.request(headers);
      this.#active += 1;
      if (this.#active === 1) this.#session.ref();
      return stream;
    } catch (error) {
      if (this.#session.closed || this.#session.destroyed) this.#leave();
      throw error;
    }
  }

  /** For each call when its stream is closed. */
  release(): void {
    this.#active -= 1;
    this.#heardAt = performance.now();
    if (this.#active === 0 && this.#state !== "ended") this.#session.unref();
    this.#tellFree();
  }

  /** Something came from the server. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /** Takes no more calls, and ends with the last. */
  close(): void {
    if (this.#state === "waiting") this.#session.destroy();
    else this.#session.close();
  }

  #begin(): void {
    this.#stood = true;
    this.#session.setLocalWindowSize(this.#limits.sessionWindowBytes);
    this.#session.unref();
    this.#watch = setInterval(() => this.#look(), this.#limits.pingIntervalMs).unref();
    this.#stand();
  }

  #stand(): void {
    this.#patience?.stop();
    this.#patience = undefined;
    this.heard();
    if (this.#active === 0) this.#session.unref();
    if (this.#state === "waiting") this.#state = "ready";
    this.#tellFree();
  }

  #look(): void {
    const silence = performance.now() - this.#heardAt;
    if (this.#active > 0 && silence >= this.#limits.pingIntervalMs) this.#ping();
    else if (this.#active === 0 && silence >= this.#limits.idleMs) this.#session.close();
  }

  #ping(): void {
    if (this.#patience || this.#session.destroyed) return;
    this.#patience = sharedTimers.start(this.#limits.pingTimeoutMs, () =>
      this.#giveUp("no answer to a ping"),
    );
    this.#session.ping((error) => {
      if (!error) this.#stand();
    });
  }

  #giveUp(why: string): void {
    this.#failure ??= Object.assign(new Error(why), { code: "ETIMEDOUT" });
    this.#session.destroy(this.#failure, constants.NGHTTP2_CANCEL);
  }

  // Node itself ends the session after its last stream, or at once for an error.
  #leave(): void {
    if (this.#state === "ended" || this.#state === "leaving") return;
    this.#state = "leaving";
    this.#owner.onEnded(this, undefined);
  }

  #end(): void {
    this.#patience?.stop();
    clearInterval(this.#watch);
    const told = this.#state === "leaving";
    this.#state = "ended";
    if (!told) this.#owner.onEnded(this, this.#failure);
  }

  #tellFree(): void {
    if (this.room > 0) this.#owner.onFree(this);
  }
}
