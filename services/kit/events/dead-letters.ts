import type { BusMessage } from "../stores/bus/port.js";

/** An event that a consumer set aside since it failed again and again. */
export interface DeadLetter {
  /** The consumer that failed; what others do with the event is theirs. */
  readonly consumer: string;
  /** Id of the event; of the message, when that holds no event. */
  readonly id: string;
  readonly message: BusMessage;
  /** Name of the latest error. */
  readonly error: string;
  readonly attempts: number;
  /** Milliseconds of the epoch. */
  readonly time: number;
}

/** Which dead letters. */
export interface DeadLetterQuery {
  readonly consumer: string;
  readonly limit: number;
  /** Only the one with this id. */
  readonly id?: string | undefined;
}

/** Keeps dead letters until somebody has them delivered again. */
export interface DeadLetters {
  /** Keeps a letter; the same letter again changes nothing. */
  add(letter: DeadLetter): Promise<void>;
  /** The oldest first. */
  list(query: DeadLetterQuery): Promise<DeadLetter[]>;
  /**
   * Publishes letters again where they came from and then forgets them; returns
   * how many. Consumers that had applied the event know it and leave it alone.
   */
  replay(query: DeadLetterQuery): Promise<number>;
}

/** The message of a letter as it is published again: the bus has seen its id before. */
export function replayed({ message, time }: DeadLetter): BusMessage {
  return { ...message, id: `${message.id}.${time}` };
}
