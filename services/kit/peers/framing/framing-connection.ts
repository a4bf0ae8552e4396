import type { OutgoingHttpHeaders } from "node:http2";
import type { ConnectError } from "@connectrpc/connect";
import type { ConnectionOwner, SessionLimits, WireListener, WireStream } from "../wire-connection.js";
import { connectionError, faultError, resetError, sessionEnded } from "../wire-errors.js";
import { Answers, largestHeaderList } from "./answers.js";
import { ControlFrames } from "./control-frames.js";
import { FrameBudget } from "./frame-budget.js";
import { type Frame, FrameReader } from "./frame-reader.js";
import { FramingStream } from "./framing-stream.js";
import { HeaderEncoder, type Origin } from "./header-encoder.js";
import { Outgoing } from "./outgoing.js";
import { defaultFrameSize, defaultWindow, errorCode, frameType, settingId } from "./protocol.js";
import { ConnectionFault, StreamFault } from "./protocol-error.js";
import { writeSettings } from "./settings.js";
import { StreamRegister } from "./stream-register.js";

/** Octets of requests that may wait for the server's windows, beyond which calls go elsewhere. */
const mostBacklog = 16_777_216;
/** Octets that may wait for the server to read, beyond which calls go elsewhere. */
const mostUnread = 1_048_576;

/** What carries the octets of a connection. */
export interface Carrier {
  /** Sends octets, and calls back when their memory is free again; not called again before. */
  send(octets: Buffer, left: () => void): void;
  /** Ends when what was sent has left; with an error where the connection failed. */
  end(error: Error | undefined): void;
}

/** What a connection is made of. */
export interface FramingOptions {
  readonly origin: Origin;
  readonly limits: Pick<SessionLimits, "streamWindowBytes" | "sessionWindowBytes">;
  readonly owner: Pick<ConnectionOwner, "onHeard" | "onGranted" | "onReleased" | "onFree" | "onLeaving">;
  readonly carrier: Carrier;
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

/** `leaving` finishes the calls that it has. */
type State = "open" | "leaving" | "closed";

/**
 * The client's side of HTTP/2 for unary calls (RFC 9113), over whatever
 * carries its octets. A server that breaks the protocol ends the connection
 * or, where the others need not suffer, one call; how much memory it can make
 * us hold, and how often it can make us work for nothing, is bounded.
 */
export class FramingConnection {
  readonly #owner: FramingOptions["owner"];
  readonly #carrier: Carrier;
  readonly #streams = new StreamRegister();
  readonly #reader = new FrameReader(defaultFrameSize);
  readonly #encoder: HeaderEncoder;
  readonly #outgoing: Outgoing;
  readonly #answers: Answers;
  readonly #control: ControlFrames;
  readonly #budget: FrameBudget;
  #state: State = "open";
  /** Streams from this on were not handed to the carrier. */
  #firstUnsent = 1;
  /** Why the server said that it goes away, where it is because of an error. */
  #farewell: Error | undefined;

  constructor({ origin, limits, owner, carrier, now }: FramingOptions) {
    this.#owner = owner;
    this.#carrier = carrier;
    this.#encoder = new HeaderEncoder(origin);
    this.#budget = new FrameBudget(now);
    this.#outgoing = new Outgoing({
      send: (octets, left) => this.#send(octets, left),
      onData: () => this.#budget.earn(),
    });
    const shared = { streams: this.#streams, outgoing: this.#outgoing, onUseless: () => this.#spend() };
    this.#answers = new Answers({
      ...shared,
      streamWindow: limits.streamWindowBytes,
      connectionWindow: limits.sessionWindowBytes,
      onComplete: (stream) => this.#complete(stream),
      onUse: () => this.#budget.earn(),
    });
    this.#control = new ControlFrames({
      ...shared,
      encoder: this.#encoder,
      onGranted: (calls) => owner.onGranted(calls),
      onReset: (...ended) => this.#fail(...ended),
      onGoaway: (...last) => this.#onGoaway(...last),
    });
    this.#start(limits);
  }

  /** Whether it can take a call now. */
  get accepts(): boolean {
    const { backlog, length } = this.#outgoing;
    const roomy = backlog < mostBacklog && length < mostUnread;
    return this.#state === "open" && roomy && !this.#streams.exhausted;
  }

  /** Calls that are under way. */
  get active(): number {
    return this.#streams.size;
  }

  /** Octets that are held for later: messages and frames that wait to leave, and what has not come in full. */
  get held(): number {
    const outgoing = this.#outgoing.backlog + this.#outgoing.length;
    return outgoing + this.#reader.held + this.#answers.held;
  }

  /** As `WireConnection` has it. */
  begin(headers: OutgoingHttpHeaders, frame: Uint8Array, listener: WireListener): WireStream {
    if (this.#state !== "open" || this.#streams.exhausted) throw sessionEnded();
    const { maxHeaderListSize, initialWindowSize } = this.#outgoing.settings;
    const block = this.#encoder.encode(headers, maxHeaderListSize);
    const options = { sendWindow: initialWindowSize, onCancel: this.#cancel };
    const stream = new FramingStream(this.#streams.next, listener, options);
    this.#streams.open(stream);
    this.#outgoing.headers(stream, block);
    this.#outgoing.message(stream, frame);
    if (this.#streams.exhausted) this.#leave();
    return stream;
  }

  /** Takes what the server sent, in pieces of any size. Never throws. */
  receive(chunk: Buffer): void {
    if (this.#state === "closed") return;
    this.#owner.onHeard();
    try {
      if (!this.#control.greeted) refuseHttp1(chunk);
      this.#reader.read(chunk, this.#take);
      if (this.#outgoing.flooded) throw flood("a server that makes us answer, and reads nothing");
    } catch (error) {
      this.#fault(error);
    }
  }

  /** Asks for a sign of life. Only the last question is waited for. */
  ping(onAnswer: () => void): void {
    this.#control.ping(onAnswer);
  }

  /** Takes no more calls, and ends with the last. */
  close(): void {
    if (this.#state === "open") this.#state = "leaving";
    this.#endWhenDone();
  }

  /** The connection is no more; all of its calls fail with this, unless the server has said why. */
  lost(error: Error): void {
    if (this.#state !== "closed") this.#end(this.#farewell ?? error);
  }

  #start({ streamWindowBytes, sessionWindowBytes }: FramingOptions["limits"]): void {
    const settings = writeSettings([
      [settingId.enablePush, 0],
      [settingId.initialWindowSize, streamWindowBytes],
      [settingId.maxHeaderListSize, largestHeaderList],
    ]);
    this.#outgoing.start(settings);
    if (sessionWindowBytes > defaultWindow) this.#outgoing.grant(0, sessionWindowBytes - defaultWindow);
  }

  #send(octets: Buffer, left: () => void): void {
    this.#firstUnsent = this.#streams.next;
    this.#carrier.send(octets, () => {
      left();
      if (this.#state !== "closed") this.#owner.onFree();
    });
  }

  readonly #take = (frame: Frame): boolean => {
    try {
      this.#dispatch(frame);
    } catch (error) {
      if (!(error instanceof StreamFault)) throw error;
      this.#refuse(frame.stream, error);
    }
    return this.#state !== "closed";
  };

  #dispatch(frame: Frame): void {
    const { type } = frame;
    const continues = type === frameType.continuation;
    if (continues !== this.#answers.expectsContinuation) {
      throw broken(continues ? "CONTINUATION of nothing" : "a frame within a header block");
    }
    if (!this.#control.greeted && type !== frameType.settings) throw broken("a beginning without SETTINGS");
    switch (type) {
      case frameType.data:
        this.#answers.data(frame);
        break;
      case frameType.headers:
        this.#answers.headers(frame);
        break;
      case frameType.continuation:
        this.#answers.continuation(frame);
        break;
      default:
        this.#control.take(frame);
    }
  }

  #onGoaway(last: number, error: Error | undefined): void {
    this.#farewell = error;
    this.#leave();
    for (const stream of this.#streams.above(last)) {
      this.#fail(stream, resetError(errorCode.refusedStream), true);
    }
    this.#endWhenDone();
  }

  /** Ends one call for what the server did wrong with it. */
  #refuse(id: number, { code, message }: StreamFault): void {
    const stream = this.#streams.of(id);
    if (!stream) return;
    this.#reset(stream, code);
    this.#fail(stream, faultError(code, message), false);
  }

  #complete(stream: FramingStream): void {
    // Section 8.1: the rest of a request that is answered already is of no use.
    if (stream.unsent) this.#reset(stream, errorCode.cancel);
    this.#release(stream);
    stream.listener.onEnd();
    this.#endWhenDone();
  }

  readonly #cancel = (stream: FramingStream): void => {
    if (!this.#streams.has(stream)) return;
    this.#reset(stream, errorCode.cancel);
    this.#release(stream);
    this.#endWhenDone();
  };

  #reset(stream: FramingStream, code: number): void {
    this.#outgoing.reset(stream.id, code);
    this.#streams.rememberReset(stream);
  }

  /** Of several that fail at once, who hears of one may have canceled another. */
  #fail(stream: FramingStream, error: ConnectError, unsent: boolean): void {
    if (!this.#streams.has(stream)) return;
    this.#release(stream);
    stream.listener.onError(error, unsent);
    this.#endWhenDone();
  }

  #release(stream: FramingStream): void {
    this.#streams.close(stream);
    this.#outgoing.drop(stream);
    this.#owner.onReleased();
  }

  #spend(): void {
    if (!this.#budget.spend()) throw flood("a flood of frames that mean nothing");
  }

  #leave(): void {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    this.#owner.onLeaving();
  }

  #endWhenDone(): void {
    if (this.#state !== "leaving" || this.#streams.size > 0) return;
    this.#sayGoodbye(errorCode.none, "");
    this.#end(undefined);
  }

  #fault(error: unknown): void {
    if (this.#state === "closed") return;
    const fault = error instanceof ConnectionFault ? error : unexpected(error);
    this.#sayGoodbye(fault.errorCode, fault.message);
    this.#end(fault);
  }

  /** A server that does not even read goes without. */
  #sayGoodbye(code: number, reason: string): void {
    this.#outgoing.goaway(code, reason);
    this.#outgoing.flush();
  }

  #end(error: Error | undefined): void {
    this.#state = "closed";
    this.#outgoing.close();
    for (const stream of this.#streams.above(0)) {
      const unsent = stream.id >= this.#firstUnsent;
      this.#fail(stream, connectionError(unsent ? sessionEnded() : error), unsent);
    }
    this.#carrier.end(error);
  }
}

/** The bytes of a status line would be taken for the length of a frame. */
function refuseHttp1(chunk: Buffer): void {
  if (chunk.toString("latin1", 0, 7) === "HTTP/1.") throw broken("a server that speaks HTTP/1.1");
}

function broken(message: string): ConnectionFault {
  return new ConnectionFault(errorCode.protocol, message);
}

function flood(message: string): ConnectionFault {
  return new ConnectionFault(errorCode.enhanceYourCalm, message);
}

function unexpected(cause: unknown): ConnectionFault {
  return new ConnectionFault(errorCode.internal, "an error of our own", { cause });
}
