import { boundedSignal } from "../../kit/abortable-delay.js";
import { errors } from "../../kit/errors.js";
import { createWorkQueue } from "../domain/work-queue.js";
import type { Message, SendMail } from "./send.js";

/** A place in the queue, taken before anybody knows whether there is a message. */
export interface Place {
  /** Finds out after the call has been answered whether to send a message, and sends it. */
  use(compose: (signal: AbortSignal) => Promise<Message | undefined>): void;
  /** Gives the place back. */
  release(): void;
}

/** Sends messages after the calls that ask for them have been answered. */
export interface Post {
  /** Takes a place. Throws MAIL_BUSY when there is none, and MAIL_NOT_CONFIGURED where no mail is sent. */
  reserve(): Place;
  /** Resolves when every message has left or failed, and gives up those that take longer than `graceMs`. */
  stop(): Promise<void>;
}

/** What the post is made of. */
export interface PostOptions {
  /** Undefined where no mail is sent. */
  readonly send: SendMail | undefined;
  /** Told of what could not be sent. */
  readonly onFailure: (cause: unknown) => void;
  /** Places; 100 unless given. */
  readonly places?: number;
  /** From an answer to the work that it must not tell of, in milliseconds; 100 unless given. */
  readonly delayMs?: number;
  /** Of one message with all that it takes, in milliseconds; 30 s unless given. */
  readonly deadlineMs?: number;
  /** For messages that are under way when the process stops, in milliseconds; 5 s unless given. */
  readonly graceMs?: number;
}

const sendingAtOnce = 2;

/**
 * Messages in the order of their calls. All that depends on whether an account
 * exists happens here, after a pause in which the call is answered, so that its
 * time tells nothing.
 */
export function createPost({ send, onFailure, ...bounds }: PostOptions): Post {
  const { places = 100, delayMs = 100, deadlineMs = 30_000, graceMs = 5_000 } = bounds;
  const stopping = new AbortController();
  const inTurn = createWorkQueue({
    concurrency: sendingAtOnce,
    waiting: places,
    refuse: () => errors.mailBusy(),
  });
  const working = new Set<Promise<void>>();
  let taken = 0;

  const deliver = async (sender: SendMail, compose: Parameters<Place["use"]>[0]) => {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    const { signal, release } = boundedSignal(deadlineMs, stopping.signal);
    const work = async () => {
      const message = await compose(signal);
      if (message) await sender(message, signal);
    };
    await inTurn(work, signal).finally(release);
  };

  return {
    reserve() {
      if (!send) throw errors.mailNotConfigured();
      if (taken >= places) throw errors.mailBusy();
      taken += 1;
      let held = true;
      const release = () => {
        if (held) taken -= 1;
        held = false;
      };
      return {
        release,
        use(compose) {
          const work: Promise<void> = deliver(send, compose)
            .catch(onFailure)
            .finally(() => {
              working.delete(work);
              release();
            });
          working.add(work);
        },
      };
    },
    async stop() {
      const timer = setTimeout(() => stopping.abort(new Error("the process stops")), graceMs);
      await Promise.all(working);
      clearTimeout(timer);
    },
  };
}
