import { errors } from "../../kit/errors.js";
import type { StartTimer } from "./body.js";
import type { RestRequest } from "./exchange.js";

/** A request body that is taken in piece by piece, at the reader's pace. */
export interface Intake {
  /**
   * The next piece; undefined after the last. Rejects with CANCELED when the client goes away, with
   * BODY_TOO_LARGE beyond the limit, and with BODY_TIMEOUT when the running deadline passes.
   */
  next(): Promise<Buffer | undefined>;
  /** Starts a deadline, in milliseconds; an earlier one no longer counts. */
  within(milliseconds: number): void;
  /** Stops the deadline: what takes time now is not the client. */
  relax(): void;
  /** Takes nothing more. A pending `next` finds the end. */
  stop(): void;
}

/** Begins to take in the body of a request, at most `maxBytes`. */
export function takeIn(
  request: RestRequest,
  { maxBytes, startTimer }: { maxBytes: number; startTimer: StartTimer },
): Intake {
  let wake: () => void = () => undefined;
  let failure: Error | undefined;
  let ended = request.readableEnded;
  let size = 0;
  let stopTimer: () => void = () => undefined;

  const fail = (error: Error): void => {
    failure ??= error;
    wake();
  };
  const onReadable = (): void => wake();
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  const onGone = (): void => (ended ? undefined : fail(errors.canceled()));
  request.on("readable", onReadable).on("end", onEnd).on("close", onGone).on("error", onGone);
  if (request.destroyed) onGone();

  const stop = (): void => {
    stopTimer();
    request.off("readable", onReadable).off("end", onEnd).off("close", onGone).off("error", onGone);
    onEnd();
  };

  return {
    async next() {
      for (;;) {
        if (failure) throw failure;
        if (ended) return undefined;
        const chunk = request.read() as Buffer | null;
        if (chunk) {
          size += chunk.length;
          if (size <= maxBytes) return chunk;
          throw errors.bodyTooLarge({ limit_bytes: maxBytes });
        }
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    within(milliseconds) {
      stopTimer();
      stopTimer = startTimer(milliseconds, () => fail(errors.bodyTimeout({ limit_ms: milliseconds })));
    },
    relax() {
      stopTimer();
    },
    stop,
  };
}
