import type { DeadLetters } from "../../events/dead-letters.js";

/** A message as it is published. */
export interface BusMessage {
  /** Unique; a message whose id the bus has seen lately is not taken twice. */
  readonly id: string;
  /** Where it goes, such as `events.agents.AgentCreated`: the stream, then what to filter by. */
  readonly subject: string;
  /** Names in lower case; values in printable ASCII. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A message as a subscriber gets it, who has to settle it with one of the functions. */
export interface Delivery extends BusMessage {
  /** How often it was delivered, counted from 1. */
  readonly attempt: number;
  /** It is dealt with. When this gets lost, the message comes again. */
  ack(): void;
  /** It comes again, after `delayMs` at the earliest. */
  nak(delayMs?: number): void;
  /** It never comes again to this durable. */
  term(): void;
  /** Asks for as much time again as `ackWaitMs` gave. */
  extend(): void;
}

/** Who gets which messages. */
export interface SubscribeOptions {
  /**
   * Name of the subscription, which outlives processes. All who subscribe under
   * one name share its messages. Letters, digits and hyphens.
   */
  readonly durable: string;
  /** A subject; its last token may be `>`, for every rest. */
  readonly subject: string;
  /** An unsettled message comes again after this many milliseconds. */
  readonly ackWaitMs: number;
  /** How many messages may be unsettled at once; no more are delivered. */
  readonly maxInFlight: number;
}

/** The messages of a durable; ends after `close`, or when the bus closes. Read by one reader. */
export interface Subscription extends AsyncIterable<Delivery> {
  /** How many messages of the durable are not settled, as the bus knows it within `timeoutMs`. */
  pending(timeoutMs: number): Promise<number>;
  /** Takes no more messages. Those delivered may still be settled. */
  close(): Promise<void>;
}

/** How far a batch came. */
export type Published =
  | { readonly complete: true }
  | {
      readonly complete: false;
      /** How many from the start are in; the one after them, and so all the rest, may not be. */
      readonly accepted: number;
      readonly error: unknown;
    };

/**
 * Carries messages from those who publish to durable subscriptions, each at
 * least once. One adapter per file beside this one.
 *
 * Messages of one stream are first delivered in the order in which they were
 * published. A subscription that begins gets what comes from then on; whether
 * also what was published before is the adapter's.
 */
export interface Bus {
  /** What carries messages, for spans. */
  readonly system: "nats" | "memory";
  /**
   * Publishes in order and never rejects. A message is in once the bus answers
   * for it: it has reached, or whatever happens to this process will reach,
   * every subscription that exists. What comes after a message that did not get in does not get in
   * before it, so publish the rest again from there.
   */
  publish(messages: readonly BusMessage[], signal?: AbortSignal): Promise<Published>;
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** Where consumers set messages aside; absent when the bus keeps none. */
  readonly deadLetters?: DeadLetters;
  /** Answers when the bus does; rejects otherwise. */
  ping(signal?: AbortSignal): Promise<void>;
  /** Ends every subscription and gives up what is being published. */
  close(): Promise<void>;
}

/** Name of the stream to which a subject belongs: `events-agents`, `dead`. */
export function streamOf(subject: string): string {
  const [first = "", second = ""] = subject.split(".");
  return first === "events" ? `${first}-${second}` : first;
}

/** Whether a subject is one of those that `filter` stands for. */
export function matches(subject: string, filter: string): boolean {
  return filter.endsWith(".>") ? subject.startsWith(filter.slice(0, -1)) : filter === subject;
}
